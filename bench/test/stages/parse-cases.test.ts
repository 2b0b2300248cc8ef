import { parseCases, parseMixes } from '@helios/bench/stages/parse-cases';
import { parseBidRequest } from '@helios/proto/bid-request';
import { expect, it } from 'vitest';

it.each(parseMixes)('every body of the mix "%s" is answered as the bench expects', (mix) => {
  for (const { body, want } of parseCases(mix, 1000)) {
    const parsed = parseBidRequest(body);
    const found = parsed.ok ? { id: parsed.request.id, slots: parsed.request.slots.length } : null;
    expect(found).toEqual(want);
  }
});

it('only the mix has bodies that must be refused, about one in twenty', () => {
  const refused = parseMixes.map((mix) => parseCases(mix, 2000).filter(({ want }) => want === null).length);
  expect(refused.slice(0, 2)).toEqual([0, 0]);
  expect(refused[2]).toBeGreaterThan(50);
  expect(refused[2]).toBeLessThan(150);
});
