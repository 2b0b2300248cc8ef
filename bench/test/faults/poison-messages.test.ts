import { deadlyRequest, oddRequests, requestWithSlot } from '@helios/bench/faults/odd-requests';
import { drawGroups, drawPoison, poisonKinds, poisonOfEachKind, poisonTopics } from '@helios/bench/faults/poison-messages';
import { parseBidRequest } from '@helios/proto/bid-request';
import { decodeAuctionOutcome, decodeBidResponse } from '@helios/proto/events';
import type { HopTopic } from '@helios/scripts/accounting/hops';
import { SeededRandom } from '@helios/scripts/random';
import { slotsOfBody } from '@helios/scripts/replay-input';
import { describe, expect, it } from 'vitest';

const values = (count: number, seed: number) => {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, (_, index) => drawPoison(poisonTopics[index % 3] ?? 'bidRequests', `id-${index}`, random, true)).map(
    ({ kind, topic, key, known }) => ({ kind, topic, key, known }),
  );
};

/** The reason for which a value is refused on its topic; null when it passes. */
function refusalOf(topic: HopTopic, value: Buffer): string | null {
  if (topic === 'bidRequests') {
    const parsed = parseBidRequest(value);
    return parsed.ok ? null : parsed.fault.code;
  }
  const decoded = topic === 'bidResponses' ? decodeBidResponse(value) : decodeAuctionOutcome(value);
  return decoded.ok ? null : decoded.code;
}

describe('poison', () => {
  it('is the same for the same seed, and of another kind for another', () => {
    expect(values(60, 1)).toEqual(values(60, 1));
    expect(values(60, 1)).not.toEqual(values(60, 2));
  });

  it('comes in every kind, on every topic, each refused for the reason it is made for', () => {
    const all = poisonOfEachKind('p-', new SeededRandom(3));
    expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(poisonKinds));
    for (const topic of poisonTopics) expect(all.filter((poison) => poison.topic === topic).length).toBeGreaterThan(18);
    for (const { kind, topic, value, codes } of all)
      expect([kind, codes]).toEqual([kind, expect.arrayContaining([refusalOf(topic, value ?? Buffer.alloc(0))])]);
  });

  it.each([600, 901, 7])('is %d in number, a third on each topic, a hundred in a row where there are more', (count) => {
    const groups = drawGroups('p-', count, new SeededRandom(4));
    const all = groups.flat();
    expect(all).toHaveLength(count);
    for (const topic of poisonTopics) {
      const ofTopic = groups.filter(([first]) => first?.topic === topic);
      expect(Math.abs(ofTopic.flat().length - count / 3)).toBeLessThan(1);
      expect(ofTopic.filter(({ length }) => length === 100)).toHaveLength(count > 300 ? 1 : 0);
      for (const group of ofTopic) {
        expect(group.every((message) => message.topic === topic)).toBe(true);
        // One batch of the producer has 1 MB: only in one batch they stand in a row.
        if (group.length === 100) expect(group.reduce((bytes, { value }) => bytes + (value?.length ?? 0), 0)).toBeLessThan(200_000);
        else expect(group.length).toBeLessThan(6);
      }
    }
  });
});

describe('what looks like poison', () => {
  it('is a valid request whose slots all bid, within what Kafka takes', () => {
    const deadly = deadlyRequest('deadly');
    for (const { value } of [...oddRequests('odd-', 1), requestWithSlot('five', 'odd one'), deadly]) {
      expect(value?.length).toBeLessThan(1_000_000);
      expect(parseBidRequest(value ?? Buffer.alloc(0)).ok).toBe(true);
    }
    for (const { id, value, slots } of [...oddRequests('odd-', 1), requestWithSlot('five', 'odd one')])
      expect(slotsOfBody(String(value))).toEqual({ id, slots });
  });
});
