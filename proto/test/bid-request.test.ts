import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseBidRequest, SLOTS_MAX } from '../src/bid-request.js';
import type { BidRequest, ParsedRequest, RequestFaultCode } from '../src/bid-request.js';

/** One case of cases/bid-requests.json; exactly one of `body`, `raw` and `base64` is there. */
interface Case {
  name: string;
  /** Sent as compact JSON. */
  body?: unknown;
  /** Sent as this text, for what JSON cannot say of itself. */
  raw?: string;
  /** Sent as these bytes, for what is no text. */
  base64?: string;
  want: 'accept' | 'reject';
  /** Of an accepted request: these attributes of the normalised one, slots whole. */
  expect?: Partial<BidRequest>;
  /** Of a refused request: JSON pointer and reason. */
  field?: string;
  code?: RequestFaultCode;
}

const cases = JSON.parse(readFileSync(new URL('cases/bid-requests.json', import.meta.url), 'utf8')) as Case[];

function bytesOf(one: Case): Uint8Array {
  if (one.base64 !== undefined) return Buffer.from(one.base64, 'base64');
  return Buffer.from(one.raw ?? JSON.stringify(one.body));
}

function parse(body: unknown): ParsedRequest {
  return parseBidRequest(Buffer.from(JSON.stringify(body)));
}

function faultOf(body: unknown): { field: string; code: string } | null {
  const parsed = parse(body);
  return parsed.ok ? null : { field: parsed.fault.field, code: parsed.fault.code };
}

const banner = { w: 300, h: 250 };

describe('the case table', () => {
  test.each(cases.filter((one) => one.want === 'accept').map((one) => [one.name, one] as const))('accepts: %s', (_name, one) => {
    const parsed = parseBidRequest(bytesOf(one));
    expect(parsed.ok ? null : parsed.fault).toBeNull();
    if (parsed.ok && one.expect !== undefined) expect(parsed.request).toMatchObject(one.expect);
  });

  test.each(cases.filter((one) => one.want === 'reject').map((one) => [one.name, one] as const))('refuses: %s', (_name, one) => {
    const parsed = parseBidRequest(bytesOf(one));
    expect(parsed.ok ? 'accepted' : { field: parsed.fault.field, code: parsed.fault.code }).toEqual({ field: one.field, code: one.code });
  });
});

describe('a fault', () => {
  test('is one sentence that begins with the place and says how to mend it', () => {
    for (const one of cases.filter((one) => one.want === 'reject')) {
      const parsed = parseBidRequest(bytesOf(one));
      if (parsed.ok) throw new Error(`${one.name} was accepted`);
      const { field, detail } = parsed.fault;
      expect(detail.startsWith(`${field === '' ? 'The body' : field} `), detail).toBe(true);
      expect(detail, detail).toMatch(/^[^\n]+\.$/);
      expect(detail, detail).toMatch(/: .*\b(send|encode|leave)\b/);
    }
  });

  test('never quotes the body', () => {
    const parsed = parseBidRequest(Buffer.from('{"user":{"id":"jane@example.com"'));
    expect(parsed.ok ? '' : parsed.fault.detail).not.toContain('jane');
  });
});

describe('bounds', () => {
  test(`takes ${SLOTS_MAX} slots and no more, in both shapes`, () => {
    const slots = (count: number): object[] => Array.from({ length: count }, (_, i) => ({ id: String(i), banner }));
    for (const shape of ['imp', 'ad_slots']) {
      const parsed = parse({ id: 'r', [shape]: slots(SLOTS_MAX) });
      expect(parsed.ok && parsed.request.slots.length).toBe(SLOTS_MAX);
      expect(faultOf({ id: 'r', [shape]: slots(SLOTS_MAX + 1) })).toEqual({ field: `/${shape}`, code: 'too_long' });
    }
  });

  const bounded: [field: string, maxBytes: number, body: (text: string) => object][] = [
    ['/id', 256, (text) => ({ id: text, imp: [{ id: '1', banner }] })],
    ['/imp/0/id', 256, (text) => ({ id: 'r', imp: [{ id: text, banner }] })],
    ['/ad_slots/0/id', 256, (text) => ({ id: 'r', ad_slots: [{ id: text }] })],
    ['/user/id', 256, (text) => ({ id: 'r', imp: [{ id: '1', banner }], user: { id: text } })],
    ['/user/buyeruid', 256, (text) => ({ id: 'r', imp: [{ id: '1', banner }], user: { buyeruid: text } })],
    ['/site/domain', 255, (text) => ({ id: 'r', imp: [{ id: '1', banner }], site: { domain: text } })],
    ['/app/bundle', 255, (text) => ({ id: 'r', imp: [{ id: '1', banner }], app: { bundle: text } })],
    ['/dooh/id', 255, (text) => ({ id: 'r', imp: [{ id: '1', banner }], dooh: { id: text } })],
  ];
  test.each(bounded)('%s holds at most %i bytes of UTF-8, counted in bytes and not in characters', (field, maxBytes, body) => {
    const fits = ['a'.repeat(maxBytes), 'é'.repeat(maxBytes >> 1), '✓'.repeat(Math.floor(maxBytes / 3)), '😀'.repeat(maxBytes >> 2)];
    for (const text of fits) {
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxBytes);
      expect(faultOf(body(text)), `${text.length} units`).toBeNull();
      const longer = text + text.slice(0, text.codePointAt(0) === 0x1f600 ? 2 : 1);
      expect(faultOf(body(longer)), `${longer.length} units`).toEqual({ field, code: 'too_long' });
    }
  });

  test('a body nested deeper than any stack is answered like any other', () => {
    const depth = 100_000;
    const nested = `${'{"a":['.repeat(depth)}${']}'.repeat(depth)}`;
    const body = Buffer.from(`{"id":"r","imp":[{"id":"1","banner":{}}],"ext":${nested}}`);
    expect(parseBidRequest(body).ok).toBe(true);
    expect(parseBidRequest(body.subarray(0, body.length >> 1)).ok).toBe(false);
  });
});

test('a view into a larger buffer is read at its own place', () => {
  const body = Buffer.from('{"id":"r","imp":[{"id":"1","banner":{}}]}');
  const around = new Uint8Array(body.length + 20).fill(0x7b);
  around.set(body, 7);
  const parsed = parseBidRequest(around.subarray(7, 7 + body.length));
  expect(parsed.ok && parsed.request.id).toBe('r');
});

describe('robustness', () => {
  const names = [
    'id',
    'imp',
    'ad_slots',
    'banner',
    'video',
    'native',
    'pmp',
    'deals',
    'site',
    'user',
    'cur',
    'format',
    'source',
    'schain',
    'nodes',
  ];
  const key = fc.oneof(
    fc.constantFrom(...names, '__proto__', 'constructor', 'bidfloor', 'w', 'h', 'qty', 'metric', 'durfloors'),
    fc.string(),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(null, true, 0, -1, 1.5, '', 'a', '\0', '\ud800', 'USD'),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 6 }),
    ),
  }));

  test('no JSON value makes the parser throw: it is read with a slot or refused with a sentence', () => {
    fc.assert(
      fc.property(tree, fc.dictionary(key, tree, { maxKeys: 4 }), (value, extra) => {
        for (const body of [
          value,
          { id: 'r', imp: [{ id: '1', banner: {}, ...extra }], ...extra },
          { id: 'r', imp: value, user: value, site: extra },
        ]) {
          const parsed = parse(body);
          if (parsed.ok) expect(parsed.request.slots.length).toBeGreaterThan(0);
          else expect(parsed.fault.detail.length).toBeGreaterThan(0);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('no bytes make the parser throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(typeof parseBidRequest(bytes).ok).toBe('boolean');
      }),
    );
  });

  test('whatever is accepted can be stored: bounded ids without NUL or lone surrogate, sizes in int4', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 90 }), fc.constantFrom('a\0', '\udfff', 'é'.repeat(200)));
    const size = fc.oneof({ arbitrary: fc.nat(), weight: 4 }, fc.integer(), fc.double(), fc.constant(2 ** 31));
    fc.assert(
      fc.property(text, text, text, size, size, (id, userId, domain, w, floor) => {
        const parsed = parse({ id, user: { id: userId }, site: { domain }, ad_slots: [{ id, w, floor }] });
        if (!parsed.ok) return;
        const { request } = parsed;
        for (const stored of [request.id, request.userId ?? '', request.siteDomain]) {
          expect(stored.includes('\0')).toBe(false);
          expect(Buffer.from(stored).toString()).toBe(stored);
          expect(Buffer.byteLength(stored)).toBeLessThanOrEqual(256);
        }
        const [slot] = request.slots;
        expect(slot !== undefined && Number.isInteger(slot.w) && slot.w >= 0 && slot.w < 2 ** 31).toBe(true);
        expect(Number.isSafeInteger(slot?.floorMicros)).toBe(true);
      }),
    );
  });
});
