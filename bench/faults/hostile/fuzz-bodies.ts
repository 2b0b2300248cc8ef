/**
 * Mutated bodies from a seed: valid bid requests, changed at random zero to four times, some gzipped, some broken after that, each with the
 * one answer that ingest must give. The verdict on the body is the contract's own parser's, so a run compares HTTP with it. Pure.
 */
import { inflate } from '@helios/engine/ingest/gzip';
import { parseBidRequest } from '@helios/proto/bid-request';
import type { PostedSlot } from '@helios/scripts/accounting/identity';
import { nextBidRequest } from '@helios/scripts/bid-request-mix';
import type { SeededRandom } from '@helios/scripts/random';
import { slotsOfBody } from '@helios/scripts/replay-input';
import { gzipSync } from 'node:zlib';

export type FuzzStatus = 202 | 400 | 413 | 415;

export interface FuzzedBody {
  /** As sent. */
  readonly bytes: Buffer;
  /** `gzip` and `br` are what Content-Encoding says. */
  readonly encoding: 'none' | 'gzip' | 'br';
  /** How the body is framed; `pieces` is a Content-Length and two writes. */
  readonly framing: 'whole' | 'pieces' | 'chunked';
  readonly expected: FuzzStatus;
  /** Id and slots when it is to be accepted. */
  readonly id: string;
  readonly slots: readonly PostedSlot[];
}

/** The default limit of ingest. Source: spec section 2.7. */
const BODY_MAX_BYTES = 262_144;
const BASES = 512;
const MARK = 'ID-GOES-HERE';

/** What means something to a parser of JSON, of UTF-8 or of bid requests. */
const TEXT_TOKENS: readonly string[] = [
  ...'null true [] {} "" 0 -1 -0 1e400 1e-400 0.1 2147483648 99999999999999999999 [[[[[[[[ {"a":'.split(' '),
  ...', : " \\ } ] \\u0000 \\ud800 \\udc00 \\ud83d\\ude00 \\x // /* \n \t \u2028 \ufeff'.split(' '),
  ...'"id":"", "id":null, "imp":[], "ad_slots":[], "__proto__":{"id":"x"}, "constructor":{}, "user":[], "site":{}, "app":{},'.split(' '),
  ...'"floor":-1, "bidfloor":1e400, "w":0.5, "tmax":-5, "cur":["EUR"], "banner":null, "ext":{}, "id":"a","id":"b",'.split(' '),
  ' ',
];
const BYTE_TOKENS: readonly (readonly number[])[] = [
  [0x00],
  [0xff],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xe2, 0x82],
  [0x1f, 0x8b],
];
const TOKENS: readonly Buffer[] = [...TEXT_TOKENS.map((text) => Buffer.from(text)), ...BYTE_TOKENS.map((bytes) => Buffer.from(bytes))];

export class FuzzBodies {
  readonly #random: SeededRandom;
  readonly #prefix: string;
  readonly #bases: readonly (readonly [Buffer, Buffer])[];
  #made = 0;

  /** @param prefix of all accepted ids; a body that is valid under another id is never made, so that an account can find them all. */
  constructor(random: SeededRandom, prefix: string) {
    this.#random = random;
    this.#prefix = prefix;
    this.#bases = Array.from({ length: BASES }, (_, index) => {
      const request = nextBidRequest(random, { shape: index % 2 === 0 ? 'openrtb' : 'short', floors: 'split' });
      const [before = '', after = ''] = JSON.stringify({ ...request, id: MARK }).split(MARK);
      return [Buffer.from(before), Buffer.from(after)];
    });
  }

  next(): FuzzedBody {
    for (;;) {
      const body = this.#body();
      if (body.expected !== 202 || body.id.startsWith(this.#prefix)) return body;
    }
  }

  #body(): FuzzedBody {
    const random = this.#random;
    const [before, after] = random.pick(this.#bases);
    let bytes: Buffer = Buffer.concat([before, Buffer.from(`${this.#prefix}${++this.#made}`), after]);
    const changes = random.chance(0.12) ? 0 : random.powerLawIndex(4, 2) + 1;
    for (let change = 0; change < changes; change++) bytes = this.#changed(bytes);
    const framing = random.chance(0.03) ? 'chunked' : random.chance(0.03) ? 'pieces' : 'whole';
    const kind = random.fraction();
    if (kind < 0.0005) return { ...nothing, bytes: oversized(bytes), framing, expected: 413 };
    if (kind < 0.004) return { ...nothing, bytes, framing, encoding: 'br', expected: 415 };
    if (kind < 0.06) return this.#gzipped(bytes, framing);
    return judged(bytes, { bytes, framing, encoding: 'none' });
  }

  #gzipped(plain: Buffer, framing: FuzzedBody['framing']): FuzzedBody {
    let bytes = gzipSync(plain, { level: 1 });
    if (this.#random.chance(0.3)) bytes = this.#changed(bytes) as typeof bytes;
    const sent = { bytes, framing, encoding: 'gzip' } as const;
    if (bytes.length === 0) return { ...nothing, ...sent, expected: 400 };
    const inflated = inflate(bytes, BODY_MAX_BYTES);
    if (inflated.ok) return judged(inflated.body, sent);
    return { ...nothing, ...sent, expected: inflated.why === 'too_large' ? 413 : 400 };
  }

  /** One change anywhere. */
  #changed(bytes: Buffer): Buffer {
    const random = this.#random;
    const at = random.integer(0, Math.max(0, bytes.length - 1));
    const end = Math.min(bytes.length, at + random.powerLawIndex(32, 2) + 1);
    switch (random.integer(0, 8)) {
      case 0: {
        const copy = Buffer.from(bytes);
        if (copy.length > 0) copy[at] = (copy[at] as number) ^ (1 << random.integer(0, 7));
        return copy;
      }
      case 1: {
        const copy = Buffer.from(bytes);
        if (copy.length > 0) copy[at] = random.integer(0, 255);
        return copy;
      }
      case 2:
        return Buffer.concat([bytes.subarray(0, at), random.pick(TOKENS), bytes.subarray(at)]);
      case 3:
        return Buffer.concat([bytes.subarray(0, at), random.pick(TOKENS), bytes.subarray(end)]);
      case 4:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
      case 5:
        return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
      case 6:
        return withNumber(bytes, at, random.pick(TOKENS));
      case 7:
        return afterComma(bytes, at, random.pick(TOKENS));
      default:
        return random.chance(0.3)
          ? bytes.subarray(0, at)
          : Buffer.concat([bytes.subarray(0, at), random.pick(this.#bases)[1].subarray(0, end)]);
    }
  }
}

const nothing = { id: '', slots: [], encoding: 'none' } as const;

/** What the contract says of a body as it is once its encoding is undone. */
function judged(plain: Buffer, sent: Pick<FuzzedBody, 'bytes' | 'framing' | 'encoding'>): FuzzedBody {
  if (plain.length > BODY_MAX_BYTES) return { ...nothing, ...sent, expected: 413 };
  // Most bodies are malformed, and the stack that a SyntaxError takes with it, which nobody looks at, costs more than the parsing.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const parsed = parseBidRequest(plain);
  Error.stackTraceLimit = stackTraceLimit;
  if (!parsed.ok) return { ...nothing, ...sent, expected: 400 };
  // What is valid is valid UTF-8, so its text is the same bytes.
  return { ...sent, expected: 202, id: parsed.request.id, slots: slotsOfBody(plain.toString())?.slots ?? [] };
}

function oversized(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(BODY_MAX_BYTES + 1 - bytes.length, ' ')]);
}

/** Puts `token` in the place of the first number at or behind `at`. */
function withNumber(bytes: Buffer, at: number, token: Buffer): Buffer {
  let start = at;
  while (start < bytes.length && !isDigit(bytes[start])) start++;
  let end = start;
  while (end < bytes.length && isDigit(bytes[end])) end++;
  return Buffer.concat([bytes.subarray(0, start), token, bytes.subarray(end)]);
}

/** Puts `token` behind the first comma or opening bracket at or behind `at`: where a name or a value begins. */
function afterComma(bytes: Buffer, at: number, token: Buffer): Buffer {
  let start = at;
  while (start < bytes.length && !',{['.includes(String.fromCharCode(bytes[start] as number))) start++;
  return Buffer.concat([bytes.subarray(0, start + 1), token, bytes.subarray(start + 1)]);
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && ((byte >= 0x30 && byte <= 0x39) || byte === 0x2e);
}
