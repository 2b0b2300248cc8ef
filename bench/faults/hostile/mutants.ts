/**
 * One-fault mutants of valid bid requests: each differs from a valid one by exactly one fault, or by one change that the contract allows,
 * and says which answer the contract gives it. The verdicts come from the tables here, written from spec section 2.2, not from the parser
 * they test. Pure.
 */

export interface Mutant {
  /** What was done, such as `/imp/0/bidfloor = -1`. */
  readonly fault: string;
  readonly body: Buffer;
  /** 400 or 202; null for a changed byte, where only this is sure: what is no JSON is a 400. */
  readonly expected: 400 | 202 | null;
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

/** A value put in as it stands in JSON text: what JSON.stringify cannot write. */
interface Literal {
  readonly literal: string;
}
type Value = Json | Literal | undefined;

const literal = (text: string): Literal => ({ literal: text });
const INFINITE = [literal('1e400'), literal('-1e400')];
const NOT_STORABLE = ['a\u0000b', '\ud800', 'a\udc00', '\ude00\ud83d'];
const idFaults = (maxBytes: number): Value[] => [undefined, null, '', [], {}, 7, true, ['a'], 'x'.repeat(maxBytes + 1), ...NOT_STORABLE];
/** Optional text that is keyed by or stored. */
const textFaults = (maxBytes: number): Value[] => [
  7,
  true,
  {},
  ['a'],
  'x'.repeat(maxBytes + 1),
  'é'.repeat(maxBytes / 2 + 1),
  ...NOT_STORABLE,
];
const textsAllowed = (maxBytes: number): Value[] => [undefined, null, '', 'x'.repeat(maxBytes), '\ud83d\ude00', '__proto__'];
const amountFaults: Value[] = ['1', true, {}, [1], -1, -0.0001, ...INFINITE];
const amountsAllowed: Value[] = [undefined, null, 0, 0.5, 1e300, literal('-0'), literal('1e-400')];
const pixelFaults: Value[] = ['300', true, {}, [1], -1, 0.5, 2_147_483_648, ...INFINITE];
const pixelsAllowed: Value[] = [undefined, null, 0, 2_147_483_647, literal('3e2'), literal('300.0')];
const numberFaults: Value[] = ['1', true, {}, [1], ...INFINITE];
const objectFaults: Value[] = ['x', 7, true, []];
const anything: Value[] = [undefined, null, '', 7, true, [], {}, ['\u0000'], '\ud800', literal('1e400')];

interface Rule {
  readonly at: string;
  readonly faults: readonly Value[];
  readonly allowed: readonly Value[];
}

const requestRules: readonly Rule[] = [
  { at: 'id', faults: idFaults(256), allowed: ['x'.repeat(256), '\ud83d\ude00', '__proto__', ' '] },
  { at: 'tmax', faults: [...numberFaults, -1], allowed: [undefined, null, 0, 1e9] },
  { at: 'at', faults: numberFaults, allowed: [undefined, null, 0, 3, -1, 1.5] },
  { at: 'test', faults: numberFaults, allowed: [undefined, null, 0, 1, 2] },
  { at: 'cur', faults: ['USD', 7, true, {}, [7], ['USD', null]], allowed: [undefined, null, [], ['EUR'], ['']] },
  { at: 'user', faults: objectFaults, allowed: [undefined, null, {}] },
  { at: 'user.id', faults: textFaults(256), allowed: textsAllowed(256) },
  { at: 'user.buyeruid', faults: textFaults(256), allowed: textsAllowed(256) },
  { at: 'site', faults: objectFaults, allowed: [undefined, null, {}] },
  { at: 'site.domain', faults: textFaults(255), allowed: ['', null, undefined, 'x'.repeat(255)] },
  { at: 'app', faults: objectFaults, allowed: [undefined, null, {}] },
  { at: 'app.bundle', faults: textFaults(255), allowed: ['', null, undefined, 'x'.repeat(255)] },
  { at: 'site.page', faults: [], allowed: anything },
  { at: 'site.publisher', faults: [], allowed: anything },
  { at: 'device', faults: [], allowed: anything },
  { at: 'ext', faults: [], allowed: anything },
  { at: '__proto__', faults: [], allowed: ['x', 7, []] },
];

const shortSlotRules: readonly Rule[] = [
  { at: 'id', faults: idFaults(256), allowed: ['x'.repeat(256)] },
  { at: 'floor', faults: amountFaults, allowed: amountsAllowed },
  { at: 'w', faults: pixelFaults, allowed: pixelsAllowed },
  { at: 'h', faults: pixelFaults, allowed: pixelsAllowed },
  { at: 'ext', faults: [], allowed: anything },
];

const impressionRules: readonly Rule[] = [
  { at: 'id', faults: idFaults(256), allowed: ['x'.repeat(256)] },
  { at: 'bidfloor', faults: amountFaults, allowed: amountsAllowed },
  { at: 'bidfloorcur', faults: [7, true, {}, ['USD']], allowed: [undefined, null, '', 'EUR'] },
  { at: 'banner', faults: objectFaults, allowed: [{}, { w: 1, h: 1 }] },
  { at: 'banner.w', faults: pixelFaults, allowed: pixelsAllowed },
  { at: 'banner.h', faults: pixelFaults, allowed: pixelsAllowed },
  { at: 'banner.format', faults: ['x', 7, true, {}, [null], ['x'], [[]], [{ w: -1 }], [{ h: 0.5 }]], allowed: [undefined, null, [], [{}]] },
  { at: 'banner.pos', faults: [], allowed: anything },
  { at: 'video', faults: [...objectFaults, {}], allowed: [{ mimes: ['video/mp4'] }] },
  { at: 'video.mimes', faults: [undefined, null, '', []], allowed: ['x', 7] },
  { at: 'secure', faults: [], allowed: anything },
  { at: 'ext', faults: [], allowed: anything },
];

/** The mutants that the tables make of one valid request, in a fixed order. */
export function* ruleMutants(request: Readonly<Record<string, unknown>>): Generator<Mutant> {
  const list = Array.isArray(request['imp']) ? 'imp' : 'ad_slots';
  const base = request as JsonObject;
  yield* byRules(base, [], requestRules);
  const slots = base[list] as JsonObject[];
  for (const index of slots.keys()) yield* byRules(base, [list, index], list === 'imp' ? impressionRules : shortSlotRules);
  for (const value of [undefined, null, '', [], {}, 'x', 7]) yield mutant(base, [list], value, 400);
  for (const value of [null, 'x', 7, [], {}]) yield mutant(base, [list, 0], value, 400);
  yield mutant(base, [list], [...slots, slots[0] as JsonObject], 400);
  const filled = Array.from({ length: 101 }, (_, index) => ({ ...slots[0], id: `filled-${index}` }));
  yield mutant(base, [list], filled, 400);
  yield mutant(base, [list], filled.slice(1), 202);
  yield mutant(base, [list === 'imp' ? 'ad_slots' : 'imp'], slots, 400);
  if (isObject(base['site'])) {
    yield mutant(base, ['app'], {}, 400);
    yield mutant(base, ['dooh'], {}, 400);
    yield mutant(base, ['site'], { ...base['site'], keywords: 'a', kwarray: ['a'] }, 400);
  }
}

/**
 * Mutants of the bytes of one valid request: cut short, something added, one byte changed.
 * @param choose a whole number from 0 to below its argument. @param count of the cut and of the changed ones each.
 */
export function* byteMutants(body: Buffer, choose: (below: number) => number, count: number): Generator<Mutant> {
  for (let number = 0; number < count; number++) {
    const at = choose(body.length);
    yield { fault: `cut at byte ${at}`, body: body.subarray(0, at), expected: 400 };
  }
  for (const [name, bytes, expected] of additions) {
    yield { fault: `${name} behind`, body: Buffer.concat([body, bytes]), expected };
    if (name !== 'a byte-order mark') yield { fault: `${name} before`, body: Buffer.concat([bytes, body]), expected };
  }
  yield { fault: 'a byte-order mark before', body: Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), body]), expected: 400 };
  for (let number = 0; number < count; number++) {
    const changed = Buffer.from(body);
    const at = choose(body.length);
    changed[at] = (changed[at] as number) ^ (1 << choose(8));
    yield { fault: `one bit of byte ${at} changed`, body: changed, expected: null };
    const high = Buffer.from(body);
    high[at] = 0x80 + choose(0x80);
    // One byte above ASCII between ASCII bytes is never UTF-8.
    const alone = (high[at - 1] ?? 0) < 0x80 && (high[at + 1] ?? 0) < 0x80;
    yield { fault: `byte ${at} = ${high[at]}`, body: high, expected: alone ? 400 : null };
  }
}

const additions: readonly (readonly [string, Buffer, 400 | 202])[] = [
  ['a letter', Buffer.from('x'), 400],
  ['a brace', Buffer.from('}'), 400],
  ['a NUL', Buffer.from([0]), 400],
  ['a byte-order mark', Buffer.from([0xef, 0xbb, 0xbf]), 400],
  ['a byte that is not UTF-8', Buffer.from([0xff]), 400],
  ['white space', Buffer.from(' \t\r\n'), 202],
];

function* byRules(base: JsonObject, prefix: readonly (string | number)[], rules: readonly Rule[]): Generator<Mutant> {
  const parent = prefix.reduce<Json | undefined>((value, key) => (value as JsonObject | undefined)?.[key], base) as JsonObject;
  for (const { at, faults, allowed } of rules) {
    const path = at.split('.');
    // A fault is put where its object is; an object of its own would be a second fault, or another allowed change.
    if (path.length > 1 && !isObject(parent[path[0] as string])) continue;
    if (!mayStand(parent, at)) continue;
    for (const value of faults) yield mutant(base, [...prefix, ...path], value, 400);
    for (const value of allowed) yield mutant(base, [...prefix, ...path], value, 202);
  }
}

/** Whether an attribute can be changed without breaking a second rule: at most one of site, app and dooh; no format where there was none. */
function mayStand(parent: JsonObject, at: string): boolean {
  if (at === 'site') return !isThere(parent['app']) && !isThere(parent['dooh']);
  if (at === 'app') return !isThere(parent['site']) && !isThere(parent['dooh']);
  if (at === 'banner' || at === 'video') return isThere(parent[at]);
  return true;
}

function mutant(base: JsonObject, path: readonly (string | number)[], value: Value, expected: 400 | 202): Mutant {
  const fault = `/${path.join('/')} ${value === undefined ? 'left out' : `= ${shown(value)}`}`;
  return { fault, body: Buffer.from(textWith(base, path, value)), expected };
}

function shown(value: Exclude<Value, undefined>): string {
  const text = isLiteral(value) ? value.literal : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 40)}... (${text.length} characters)` : text;
}

/** JSON text of `base` with one value put in at `path`, or left out. */
function textWith(base: Json | undefined, path: readonly (string | number)[], value: Value): string {
  const [key, ...rest] = path;
  if (key === undefined) return isLiteral(value) ? value.literal : JSON.stringify(value);
  if (Array.isArray(base))
    return `[${base.map((item, index) => (index === key ? textWith(item, rest, value) : JSON.stringify(item))).join(',')}]`;
  const object = (base ?? {}) as JsonObject;
  const has = Object.hasOwn(object, key);
  const members = Object.entries(object).filter(([name]) => name !== String(key) || rest.length > 0 || value !== undefined);
  const texts = members.map(
    ([name, member]) => `${JSON.stringify(name)}:${name === key ? textWith(member, rest, value) : JSON.stringify(member)}`,
  );
  if (!has && value !== undefined) texts.push(`${JSON.stringify(key)}:${textWith(undefined, rest, value)}`);
  return `{${texts.join(',')}}`;
}

function isLiteral(value: Value): value is Literal {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Literal>).literal === 'string';
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isThere(value: Json | undefined): boolean {
  return value !== undefined && value !== null;
}
