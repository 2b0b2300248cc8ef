import { describe, expect, it } from 'vitest';
import { bodyOfLine, slotsOfBody } from '../src/replay-input.js';

const request = { id: 'a', ad_slots: [{ id: '1', w: 300, h: 250, floor: 0.01 }] };

describe('a line of a recording', () => {
  it('may be a request or an object that holds one', () => {
    expect(JSON.parse(bodyOfLine(JSON.stringify(request), 3, 'p-').text)).toEqual({ ...request, id: 'p-3-a' });
    expect(JSON.parse(bodyOfLine(JSON.stringify({ source: 'x', body: request }), 4, 'p-').text)).toEqual({ ...request, id: 'p-4-a' });
  });

  it('keeps its text and id when ids are kept', () => {
    expect(bodyOfLine(JSON.stringify({ body: request }), 0, null)).toEqual({ text: JSON.stringify(request), id: 'a' });
  });

  it('is sent as it stands when it is no JSON or has no id', () => {
    expect(bodyOfLine('{"id":', 0, 'p-')).toEqual({ text: '{"id":', id: '' });
    expect(bodyOfLine('{"imp":[]}', 0, 'p-')).toEqual({ text: '{"imp":[]}', id: '' });
    expect(bodyOfLine('{"body":"{\\"id\\":"}', 0, 'p-')).toEqual({ text: '{"id":', id: '' });
  });

  it('keeps a request that has an attribute called body', () => {
    expect(JSON.parse(bodyOfLine(JSON.stringify({ ...request, body: {} }), 1, 'p-').text)).toMatchObject({ id: 'p-1-a', body: {} });
  });

  it('never becomes too long by its prefix, and stays too long when it was', () => {
    const longest = bodyOfLine(JSON.stringify({ ...request, id: 'é'.repeat(128) }), 0, 'p-');
    expect(Buffer.byteLength(longest.id)).toBeLessThanOrEqual(256);
    expect(longest.id.startsWith('p-0-éé')).toBe(true);
    expect(Buffer.byteLength(bodyOfLine(JSON.stringify({ ...request, id: 'x'.repeat(257) }), 0, 'p-').id)).toBeGreaterThan(256);
  });
});

describe('what is expected of slots', () => {
  const slot = (floor: number) => ({ id: 's', w: 300, h: 250, floor });
  const expectationAt = (floor: number) => slotsOfBody(JSON.stringify({ id: 'a', ad_slots: [slot(floor)] }))?.slots[0]?.expectation;

  it('is a bid up to a floor of 0.01, none above 0.10, and either between', () => {
    expect([0, 0.01, 0.0101, 0.1, 0.1001].map(expectationAt)).toEqual(['bid', 'bid', 'either', 'either', 'no_bid']);
  });

  it('is no bid without a size or in another currency', () => {
    const slots = slotsOfBody(
      JSON.stringify({
        id: 'a',
        imp: [
          { id: '1', banner: {} },
          { id: '2', banner: { w: 1, h: 1 }, bidfloorcur: 'EUR' },
        ],
      }),
    )?.slots;
    expect(slots?.map((each) => each.expectation)).toEqual(['no_bid', 'no_bid']);
  });

  it('is nothing for an invalid request', () => {
    expect(slotsOfBody('{"id":"a"}')).toBeNull();
  });
});
