import { describe, expect, it } from 'vitest';
import {
  acceptedTraceparent,
  decodeTracedUsers,
  encodeTracedUsers,
  isSampledTrace,
  traceIdOf,
  TRACED_USERS_MAX,
} from '../src/traceparent.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const VALID = `00-${TRACE}-${PARENT}-01`;

describe('a traceparent', () => {
  it.each([VALID, `00-${TRACE}-${PARENT}-00`, `00-${TRACE}-${PARENT}-03`, `00-${TRACE}-${PARENT}-ff`])(
    'of version 00 is handed on as it came: %s',
    (text) => {
      expect(acceptedTraceparent(text)).toBe(text);
      expect(traceIdOf(text)).toBe(TRACE);
    },
  );

  it.each([
    [`01-${TRACE}-${PARENT}-01`, VALID],
    [`cc-${TRACE}-${PARENT}-03-what-the-future-brings`, VALID],
    [`fe-${TRACE}-${PARENT}-02-`, `00-${TRACE}-${PARENT}-00`],
  ])('of a later version is handed on as version 00: %s', (text, expected) => {
    expect(acceptedTraceparent(text)).toBe(expected);
    expect(traceIdOf(text)).toBe(TRACE);
  });

  it.each([
    '',
    'nonsense',
    VALID.toUpperCase(),
    VALID.replace('00-', 'ff-'),
    `${VALID}-extra`,
    `01${VALID.slice(2)}extra`,
    VALID.slice(0, -1),
    ` ${VALID}`,
    VALID.replace(PARENT, '0'.repeat(16)),
    VALID.replace(TRACE, '0'.repeat(32)),
    VALID.replace('0af7', '0ag7'),
    `01-${TRACE}-${PARENT}-01-${'x'.repeat(3000)}`,
  ])('%j is none', (text) => {
    expect(acceptedTraceparent(text)).toBe('');
    expect(traceIdOf(text)).toBeNull();
  });

  it('that is missing has no id', () => expect(traceIdOf(undefined)).toBeNull());
});

describe('a trace', () => {
  it.each([
    ['01', true],
    // Trace Context, level 2: the trace id is random, and the trace is sampled.
    ['03', true],
    ['ff', true],
    ['00', false],
    ['02', false],
  ])('with the flags %s is sampled: %s', (flags, expected) => {
    expect(isSampledTrace(`00-${TRACE}-${PARENT}-${flags}`)).toBe(expected);
  });

  it.each([undefined, '', '-01', `${VALID}-01`])('%j is not sampled', (text) => expect(isSampledTrace(text)).toBe(false));
});

describe('the traced users in the metadata of a lookup', () => {
  const users = Array.from({ length: TRACED_USERS_MAX + 1 }, (_, index) => ({ position: index * 60, traceparent: VALID }));

  it('come out as they went in, up to the bound', () => {
    for (const count of [1, 3, TRACED_USERS_MAX])
      expect(decodeTracedUsers(encodeTracedUsers(users.slice(0, count)))).toEqual(users.slice(0, count));
    expect(decodeTracedUsers(encodeTracedUsers(users))).toEqual(users.slice(0, TRACED_USERS_MAX));
  });

  it.each(['', VALID, `-1 ${VALID}`, `1.5 ${VALID}`, `1  ${VALID}`, `9999999 ${VALID}`, `1 ${VALID.slice(1)}`, `1 ${VALID} more`])(
    '%j is none, and takes no neighbour with it',
    (text) => expect(decodeTracedUsers(`${text},7 ${VALID}`)).toEqual([{ position: 7, traceparent: VALID }]),
  );
});
