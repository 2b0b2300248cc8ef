import { Metrics } from '@helios/runtime/metrics';
import { expect, it } from 'vitest';
import { readOutcomes } from '../../src/writer/outcome-batch.js';
import { WriterMetrics } from '../../src/writer/writer-metrics.js';
import { message, outcome } from '../outcomes.js';

it('adds up the spend of wins that are stored anew, to the micro, test bids left out', async () => {
  const registry = new Metrics('writer', 'test');
  const metrics = new WriterMetrics(registry);
  const won = (index: number, winPrice: number, test = false) =>
    message(outcome(index, { win_status: true, win_price: winPrice, test }), index);
  const lost = message(outcome(8, { win_status: false, win_price: 0 }), 8);
  const { batch } = readOutcomes([won(0, 0.1), won(2, 0.2), won(4, 0.000001), won(6, 0.3, true), lost], {
    nowUnixMs: Date.now(),
    retentionMs: 86_400_000,
    header: () => undefined,
  });
  for (let index = 0; index < batch.events.length; index++) metrics.stored(batch, index, Date.now());
  const lines = (await registry.registry.metrics()).split('\n');
  // 0.300001 USD a thousand; as floats 0.1 + 0.2 would be a little more.
  expect(lines).toContain('helios_writer_spend_usd_total 0.000300001');
  expect(lines).toContain('helios_outcomes_total{win="true"} 3');
  expect(metrics.acceptedToRow.count).toBe(0);
});
