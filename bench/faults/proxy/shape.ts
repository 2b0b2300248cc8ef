import { SeededRandom } from '@helios/scripts/random';
import { type Fault, HOLD_MAX_BYTES, hits } from './fault.js';

/** How one direction of one connection passes on what it gets. */
export interface Shape {
  /** Nothing leaves. */
  readonly holds: boolean;
  /** From here on the source is not read. */
  readonly holdMaxBytes: number;
  /** Most bytes in one write. */
  readonly pieceMaxBytes: number;
  /** The next piece waits until the one before went to the kernel, and for a turn of the event loop. */
  readonly oneByOne: boolean;
  /** Milliseconds from a chunk's arrival to its leaving. */
  delayMs(): number;
  readonly link: Link | null;
  /** Changes the chunk in place; returns how many bytes it changed. */
  corrupt(chunk: Uint8Array): number;
}

export const healthy: Shape = {
  holds: false,
  holdMaxBytes: HOLD_MAX_BYTES,
  pieceMaxBytes: Infinity,
  oneByOne: false,
  delayMs: () => 0,
  link: null,
  corrupt: () => 0,
};

/** Gives each direction of each connection its shape, for as long as one fault (or health) lasts. */
export class Shaper {
  readonly #fault: Fault | undefined;
  readonly #links: Readonly<Record<'up' | 'down', Link>> | null = null;

  constructor(fault: Fault | undefined) {
    this.#fault = fault;
    if (fault?.kind === 'bandwidth') this.#links = { up: new Link(fault.bytesPerSecond), down: new Link(fault.bytesPerSecond) };
  }

  /** Connections are told apart by their number: each has a random sequence of its own in each direction. */
  shape(direction: 'up' | 'down', connectionNumber: number): Shape {
    const fault = this.#fault;
    if (fault === undefined || fault.kind === 'refuse' || fault.kind === 'reset' || !hits(fault, direction)) return healthy;
    const base = { ...healthy, holdMaxBytes: fault.holdMaxBytes ?? HOLD_MAX_BYTES };
    switch (fault.kind) {
      case 'hang':
      case 'blackhole':
        return { ...base, holds: true };
      case 'latency': {
        const { latencyMs, jitterMs = 0 } = fault;
        const random = sequence(fault.seed, connectionNumber, direction);
        return { ...base, delayMs: () => Math.max(0, latencyMs + jitterMs * (2 * random.fraction() - 1)) };
      }
      case 'slice':
        return { ...base, pieceMaxBytes: fault.sliceBytes ?? 1, oneByOne: true };
      case 'bandwidth': {
        const link = this.#links?.[direction] ?? null;
        return { ...base, link, pieceMaxBytes: link?.pieceMaxBytes ?? Infinity };
      }
      case 'corrupt': {
        const corruption = new Corruption(fault.probability, sequence(fault.seed, connectionNumber, direction));
        return { ...base, corrupt: (chunk) => corruption.apply(chunk) };
      }
      default:
        throw new RangeError(`no such fault: ${JSON.stringify(fault satisfies never)}`);
    }
  }
}

function sequence(seed = 1, connectionNumber: number, direction: 'up' | 'down'): SeededRandom {
  // The high half of the generator's seed tells the connections apart, so that neighbouring seeds of a run never share a sequence.
  return new SeededRandom((seed >>> 0) + 0x1_0000_0000 * ((connectionNumber * 2 + (direction === 'up' ? 0 : 1)) % 0x10_0000));
}

/** A line of limited bandwidth: pieces reserve their time on it one after the other. */
export class Link {
  /** Ten milliseconds' worth: long pieces would make the line jerk, short ones cost a timer each. */
  readonly pieceMaxBytes: number;
  readonly #bytesPerMs: number;
  #freeAtMonoMs = -Infinity;

  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.pieceMaxBytes = Math.max(1, Math.floor(bytesPerSecond / 100));
  }

  /** When the last of these bytes is through. A line that stood idle makes up for at most 20 ms, which is what late timers cost. */
  reserve(bytes: number, nowMonoMs: number): number {
    this.#freeAtMonoMs = Math.max(this.#freeAtMonoMs, nowMonoMs - 20) + bytes / this.#bytesPerMs;
    return this.#freeAtMonoMs;
  }
}

/** Exchanges bytes with a probability; draws one random number per exchanged byte, not per byte. */
class Corruption {
  readonly #logKept: number;
  readonly #random: SeededRandom;
  #untilNextBytes: number;

  constructor(probability: number, random: SeededRandom) {
    this.#logKept = Math.log1p(-probability);
    this.#random = random;
    this.#untilNextBytes = this.#gapBytes();
  }

  apply(chunk: Uint8Array): number {
    let corruptedBytes = 0;
    let at = this.#untilNextBytes;
    while (at < chunk.length) {
      chunk[at] = (chunk[at] ?? 0) ^ this.#random.integer(1, 255);
      corruptedBytes++;
      at += 1 + this.#gapBytes();
    }
    this.#untilNextBytes = at - chunk.length;
    return corruptedBytes;
  }

  /** Untouched bytes before the next exchanged one: the geometric distribution. */
  #gapBytes(): number {
    return Math.floor(Math.log1p(-this.#random.fraction()) / this.#logKept);
  }
}
