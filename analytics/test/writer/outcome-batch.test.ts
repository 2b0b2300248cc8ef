import { headerText } from '@helios/runtime/kafka/headers';
import { describe, expect, it } from 'vitest';
import { readOutcomes, sliceBatch } from '../../src/writer/outcome-batch.js';
import { message, outcome } from '../outcomes.js';

const nowUnixMs = Date.parse('2026-03-01T12:00:00Z');
const dayMs = 86_400_000;
const options = { nowUnixMs, retentionMs: 90 * dayMs, header: headerText };
const at = (unixMs: number) => new Date(unixMs).toISOString();

describe('readOutcomes', () => {
  it('orders rows by bid_id, each with its message', () => {
    const messages = [3, 0, 2, 1].map((index) => message(outcome(index, {}, nowUnixMs), index));
    const { batch } = readOutcomes(messages, options);
    expect(batch.events.map(({ bid_id }) => bid_id)).toEqual(['req-0:slot-0', 'req-0:slot-1', 'req-1:slot-0', 'req-1:slot-1']);
    expect(batch.sources.map(({ offset }) => offset)).toEqual([0, 1, 2, 3]);
  });

  it('keeps the first outcome of a bid and tells a repeat from a conflict', () => {
    const first = outcome(0, { win_status: true, win_price: 0.004 }, nowUnixMs);
    const messages = [
      first,
      { ...first },
      { ...first, strategy: 'other' },
      { ...first, win_price: 0.005 },
      { ...first, win_status: false },
    ].map((event, offset) => message(event, offset));
    const read = readOutcomes(messages, options);
    expect(read.batch.events).toEqual([first]);
    expect(read.batch.sources[0]?.offset).toBe(0);
    expect({ duplicate: read.duplicate, conflicting: read.conflicting }).toEqual({ duplicate: 2, conflicting: 2 });
  });

  it('drops outcomes older than the identity window, and keeps the one exactly at its edge', () => {
    const edge = nowUnixMs - 90 * dayMs;
    const messages = [edge - 1, edge].map((unixMs, index) => message(outcome(index, { timestamp: at(unixMs) }, nowUnixMs)));
    const read = readOutcomes(messages, options);
    expect(read.expired).toBe(1);
    expect(read.batch.events.map(({ timestamp }) => timestamp)).toEqual([at(edge)]);
  });

  it('hands back what cannot be read, with the reason, and reads the rest', () => {
    const messages = [
      message(Buffer.from('{'), 7),
      message(null, 8),
      message(outcome(0, { bid_price: -1 }, nowUnixMs), 9),
      message(outcome(1, {}, nowUnixMs), 10),
      message(outcome(2, { bid_id: 'req-0:slot-0' }, nowUnixMs), 11),
    ];
    const read = readOutcomes(messages, options);
    expect(read.unreadable.map(({ message: { offset } }) => offset)).toEqual([7, 8, 9, 11]);
    expect(read.unreadable[2]).toMatchObject({ code: 'out_of_range', detail: expect.stringContaining('bid_price') });
    expect(read.unreadable[3]).toMatchObject({ code: 'out_of_range', detail: expect.stringContaining('bid_id') });
    expect(read.batch.events).toHaveLength(1);
  });

  it.each([
    ['1700000000123', 1_700_000_000_123],
    ['', Number.NaN],
    ['-5', Number.NaN],
    ['1e3', Number.NaN],
    ['999999999999999', Number.NaN],
    ['soon', Number.NaN],
  ])('reads helios-accepted-at %j as %d', (text, expected) => {
    const read = readOutcomes([message(outcome(0, {}, nowUnixMs), 0, { 'helios-accepted-at': text })], options);
    expect(read.batch.acceptedAtUnixMs).toEqual([expected]);
  });

  it('halves into batches whose parallel arrays still fit together', () => {
    const messages = [0, 1, 2].map((index) =>
      message(outcome(index, {}, nowUnixMs), index, { 'helios-accepted-at': String(index), traceparent: `t${index}` }),
    );
    const half = sliceBatch(readOutcomes(messages, options).batch, 1, 3);
    expect(half.sources.map(({ offset }) => offset)).toEqual([1, 2]);
    expect(half.acceptedAtUnixMs).toEqual([1, 2]);
    expect(half.traceparents).toEqual(['t1', 't2']);
    expect(half.events).toHaveLength(2);
  });
});
