import type { ConsumedMessage } from '@helios/runtime/kafka/consumer';
import type { OutgoingEvent } from '@helios/runtime/kafka/producer';
import { expect, test } from 'vitest';
import { Bidder } from '../../src/bidder/consumer.js';
import { BidderMetrics } from '../../src/bidder/metrics.js';
import type { PricingPool } from '../../src/bidder/pool.js';
import { priceBatch } from '../../src/bidder/price-batch.js';
import { highestInterest } from '../../src/bidder/pricing.js';
import { observed } from '../observed.js';
import { bidderConfig } from './bidder-config.js';

/**
 * The bidder between a consumer that hands a failed batch in again and next hops that fail at random: whatever the order of failures,
 * every slot has exactly the end that the pure rule gives it. `seed` is in the test's name; the same seed gives the same run.
 */

const BATCHES = 60;
const BATCHES_AT_ONCE = 4;

/** mulberry32: a small generator whose state is one number. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

type End = 'bid' | 'no-bid' | 'letter';

/** Requests of 1 to 5 slots, some of them unusable or deadly, and the end that each slot must have. */
function traffic(random: () => number): { batches: ConsumedMessage[][]; expected: Map<string, End> } {
  const expected = new Map<string, End>();
  const batches: ConsumedMessage[][] = [];
  let offset = 0;
  for (let batch = 0; batch < BATCHES; batch++) {
    batches.push(
      Array.from({ length: 1 + Math.floor(random() * 8) }, () => {
        const id = `req-${offset}`;
        const kind = random();
        const deadly = kind < 0.04;
        const broken = !deadly && kind < 0.1;
        const imp = Array.from({ length: 1 + Math.floor(random() * 5) }, (_, slot) => {
          const floor = random() < 0.5 ? 0.01 : 16.1;
          expected.set(`${id}:${slot}`, deadly || broken ? 'letter' : floor > 1 ? 'no-bid' : 'bid');
          return { id: String(slot), banner: { w: 300, h: 250 }, bidfloor: floor };
        });
        const body = JSON.stringify({ id, imp, user: { id: 'u' }, ...(deadly ? { deadly: true } : {}) });
        const value = Buffer.from(broken ? body.slice(0, -1) : body);
        return { topic: 'bid_requests', partition: 0, offset: offset++, key: Buffer.from(id), value };
      }),
    );
  }
  return { batches, expected };
}

/** Lets 0 to 3 turns of the event loop pass: unlike timers, turns come in the same order in every run. */
async function turns(random: () => number): Promise<void> {
  for (let left = Math.floor(random() * 4); left > 0; left--) await new Promise((resolve) => setImmediate(resolve));
}

/** One worker: a batch with the marker kills it, and with it all that it has under way. */
function fragilePool(random: () => number): PricingPool {
  const underWay = new Set<() => void>();
  const rules = { pricing: highestInterest(), auctionType: 2 as const };
  const profiles = {
    lookup: async () => ({ profiles: null, result: 'failed' as const, durationMs: 1 }),
    close: () => undefined,
  };
  return {
    price: async (task) => {
      let die: () => void = () => undefined;
      const death = new Promise<never>((_, reject) => {
        die = () => reject(new Error('the worker died'));
      });
      underWay.add(die);
      try {
        await Promise.race([turns(random), death]);
        if (Buffer.from(task.bytes).includes('"deadly"')) {
          for (const kill of underWay) kill();
          await death;
        }
        return await Promise.race([priceBatch(task, profiles, rules), death]);
      } finally {
        underWay.delete(die);
      }
    },
    breakers: () => ({ closed: 1, open: 0, half_open: 0 }),
    breakerOpenings: () => 0,
    queued: () => 0,
    close: async () => undefined,
  };
}

test.each([1, 2, 3, 42, 2026])('no slot is lost and none has two ends, whatever fails (seed %i)', async (seed) => {
  const random = randomOf(seed);
  const { batches, expected } = traffic(random);
  const seen = observed('bidder');
  const pool = fragilePool(random);
  const published = new Set<string>();
  const letters = new Set<number>();
  let failures = 0;
  const failSometimes = async (share: number) => {
    await turns(random);
    if (random() >= share) return;
    failures++;
    throw new Error('the broker gave no acknowledgement');
  };
  const bidder = new Bidder({
    config: bidderConfig(),
    log: seen.log,
    pool,
    producer: {
      sendAll: async (_topic: string, events: readonly OutgoingEvent[]) => {
        // A failure can come after some of the events are out: they are out twice in the end, under the same ids.
        const acknowledged = events.slice(0, Math.floor(random() * (events.length + 1)));
        for (const event of acknowledged) published.add((JSON.parse(String(event.value)) as { bid_id: string }).bid_id);
        await failSometimes(0.3);
        for (const event of events) published.add((JSON.parse(String(event.value)) as { bid_id: string }).bid_id);
      },
    },
    deadLetters: {
      send: async (message) => {
        await failSometimes(0.3);
        letters.add(message.offset);
      },
    },
    counts: new BidderMetrics(seen.metrics, pool),
  });

  const { signal } = new AbortController();
  const waiting = [...batches];
  const consume = async () => {
    for (let batch = waiting.shift(); batch !== undefined; batch = waiting.shift()) {
      // What the consumer does: the batch again, whole, until it succeeds.
      for (let done = false; !done;) {
        done = await bidder.handle(batch, signal).then(
          () => true,
          () => false,
        );
      }
    }
  };
  await Promise.all(Array.from({ length: BATCHES_AT_ONCE }, consume));

  expect(failures).toBeGreaterThan(10);
  const ends = new Map<string, End>();
  for (const message of batches.flat()) {
    const id = `req-${message.offset}`;
    for (const slot of [...expected.keys()].filter((key) => key.startsWith(`${id}:`))) {
      const isOut = published.has(slot);
      const isLetter = letters.has(message.offset);
      expect(isOut && isLetter).toBe(false);
      ends.set(slot, isOut ? 'bid' : isLetter ? 'letter' : 'no-bid');
    }
  }
  expect(Object.fromEntries(ends)).toEqual(Object.fromEntries(expected));
  expect([...new Set(expected.values())].sort()).toEqual(['bid', 'letter', 'no-bid']);
});
