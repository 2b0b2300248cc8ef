import { describe, expect, test } from 'vitest';
import { BrokerWatch, type BrokerStatistics } from '../../src/kafka/client.js';

const broker = (changes: Partial<BrokerStatistics>): BrokerStatistics => ({ nodeid: 1, state: 'UP', waitresp_cnt: 0, rx: 1, ...changes });

describe('what the statistics say of brokers', () => {
  test('is added up: connections to brokers, troubles, and round trips by how many there were', () => {
    const watch = new BrokerWatch();
    watch.observe(
      {
        bootstrap: broker({ nodeid: -1 }),
        first: broker({ rtt: { cnt: 1, sum: 4000, p99: 4000 }, txretries: 2 }),
        second: broker({ nodeid: 2, rtt: { cnt: 3, sum: 6000, p99: 2500 }, req_timeouts: 5 }),
        away: broker({ nodeid: 3, state: 'DOWN', txretries: 1 }),
      },
      0,
    );
    expect(watch.up).toBe(2);
    expect(watch.roundTripSeconds).toEqual({ mean: 0.0025, p99: 0.004 });
    expect(watch.troubles).toEqual({ retried: 3, timed_out: 5 });
  });

  test('keeps the round trip of the last second that had one', () => {
    const watch = new BrokerWatch();
    expect(watch.roundTripSeconds).toEqual({ mean: 0, p99: 0 });
    watch.observe({ first: broker({ rtt: { cnt: 2, sum: 2000, p99: 1500 } }) }, 0);
    watch.observe({ first: broker({ state: 'DOWN', rtt: { cnt: 0, sum: 0, p99: 0 } }) }, 1000);
    expect(watch.up).toBe(0);
    expect(watch.roundTripSeconds).toEqual({ mean: 0.001, p99: 0.0015 });
  });
});
