import type { Socket } from 'node:net';
import { PassThrough, Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkFault, type Fault } from '../../../faults/proxy/fault.js';
import { Flow, type Tally } from '../../../faults/proxy/flow.js';
import { Shaper } from '../../../faults/proxy/shape.js';

/** One direction between a source and a sink that are no sockets, on a clock that stands still: what leaves, and when. */

class Sink extends Writable {
  readonly writes: Buffer[] = [];
  readonly connecting = false;
  readonly pending = false;
  reset = false;
  /** Not null: the receiver reads nothing; calling it lets one write through. */
  next: (() => void) | null = null;
  readonly stuck: boolean;

  constructor(options: { stuck?: boolean } = {}) {
    super({ highWaterMark: 1000 });
    this.stuck = options.stuck ?? false;
  }

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.writes.push(bytes);
    if (this.stuck) this.next = done;
    else done();
  }

  resetAndDestroy(): void {
    this.reset = true;
    this.destroy();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.writes);
  }
}

interface Line {
  readonly source: PassThrough;
  readonly sink: Sink;
  readonly tally: Tally;
  readonly flow: Flow;
}

function line(shaper: Shaper, connectionNumber = 1, sink = new Sink()): Line {
  const source = new PassThrough({ highWaterMark: 1024 * 1024 });
  const tally = { passedBytes: 0, corruptedBytes: 0, heldBytes: 0, droppedBytes: 0 };
  const flow = new Flow(source as unknown as Socket, sink as unknown as Socket, tally);
  flow.shape = shaper.shape('up', connectionNumber);
  return { source, sink, tally, flow };
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

/** Bytes of which no two thousand neighbours repeat. */
function pattern(bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at++) buffer[at] = (at * 31 + (at >> 8)) & 0xff;
  return buffer;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe('latency', () => {
  it('lets each chunk leave that much after it came, and not before', async () => {
    const { source, sink } = line(new Shaper({ kind: 'latency', latencyMs: 50 }));
    source.write('a');
    await vi.advanceTimersByTimeAsync(20);
    source.write('b');
    await vi.advanceTimersByTimeAsync(29);
    expect(sink.bytes.toString()).toBe('');
    await vi.advanceTimersByTimeAsync(1);
    expect(sink.bytes.toString()).toBe('a');
    await vi.advanceTimersByTimeAsync(19);
    expect(sink.bytes.toString()).toBe('a');
    await vi.advanceTimersByTimeAsync(1);
    expect(sink.bytes.toString()).toBe('ab');
  });

  it('keeps the order of chunks and of the end under any jitter', async () => {
    const { source, sink } = line(new Shaper({ kind: 'latency', latencyMs: 30, jitterMs: 30, seed: 7 }));
    for (let chunk = 0; chunk < 100; chunk++) {
      source.write(`${chunk};`);
      await vi.advanceTimersByTimeAsync(1);
    }
    source.end();
    await settle();
    expect(sink.writableEnded).toBe(false);
    await vi.advanceTimersByTimeAsync(60);
    expect(sink.bytes.toString()).toBe(Array.from({ length: 100 }, (_, chunk) => `${chunk};`).join(''));
    expect(sink.writableEnded).toBe(true);
  });

  it('lets everything leave at once when it is healed', async () => {
    const { source, sink, flow } = line(new Shaper({ kind: 'latency', latencyMs: 60_000 }));
    source.write('a');
    await settle();
    flow.shape = new Shaper(undefined).shape('up', 1);
    expect(sink.bytes.toString()).toBe('a');
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('slice', () => {
  it('passes on pieces of at most so many bytes, one write a turn', async () => {
    const { source, sink } = line(new Shaper({ kind: 'slice', sliceBytes: 3 }));
    source.end('0123456789');
    await settle();
    await vi.runAllTimersAsync();
    expect(sink.writes.map(String)).toEqual(['012', '345', '678', '9']);
    expect(sink.writableEnded).toBe(true);
  });

  it('passes on single bytes by default', async () => {
    const { source, sink } = line(new Shaper({ kind: 'slice' }));
    source.write('abc');
    await settle();
    await vi.runAllTimersAsync();
    expect(sink.writes.map(String)).toEqual(['a', 'b', 'c']);
  });

  it('keeps the order when it is healed in the middle of a chunk', async () => {
    const { source, sink, flow } = line(new Shaper({ kind: 'slice', sliceBytes: 2 }));
    source.write('0123456789');
    flow.shape = new Shaper(undefined).shape('up', 1);
    source.write('abc');
    await vi.runAllTimersAsync();
    expect(sink.bytes.toString()).toBe('0123456789abc');
    expect(sink.writes.length).toBeLessThan(5);
  });
});

describe('bandwidth', () => {
  it('lets no more through than the link carries, and all of it in the end', async () => {
    const { source, sink, tally } = line(new Shaper({ kind: 'bandwidth', bytesPerSecond: 10_000 }));
    const sent = pattern(30_000);
    source.write(sent);
    await vi.advanceTimersByTimeAsync(1000);
    expect(tally.passedBytes).toBeGreaterThanOrEqual(9900);
    // The 20 ms that an idle link makes up for.
    expect(tally.passedBytes).toBeLessThanOrEqual(10_200);
    await vi.advanceTimersByTimeAsync(2000);
    expect(sink.bytes.equals(sent)).toBe(true);
  });

  it('shares one link among all connections', async () => {
    const shaper = new Shaper({ kind: 'bandwidth', bytesPerSecond: 10_000 });
    const lines = [line(shaper, 1), line(shaper, 2), line(shaper, 3)];
    for (const { source } of lines) source.write(pattern(30_000));
    await vi.advanceTimersByTimeAsync(1500);
    const passed = lines.map(({ tally }) => tally.passedBytes);
    const sum = passed.reduce((total, bytes) => total + bytes, 0);
    expect(sum).toBeGreaterThanOrEqual(14_700);
    expect(sum).toBeLessThanOrEqual(15_200);
    for (const bytes of passed) expect(bytes).toBeGreaterThan(4500);
  });
});

describe('corrupt', () => {
  async function corrupted(probability: number, seed: number, connectionNumber: number): Promise<{ changedAt: number[]; tally: Tally }> {
    const { source, sink, tally } = line(new Shaper({ kind: 'corrupt', probability, seed }), connectionNumber);
    const sent = pattern(50_000);
    for (let at = 0; at < sent.length; at += 1000) source.write(Buffer.from(sent.subarray(at, at + 1000)));
    await vi.advanceTimersByTimeAsync(1);
    const arrived = sink.bytes;
    expect(arrived.length).toBe(sent.length);
    return { changedAt: [...arrived.keys()].filter((at) => arrived[at] !== sent[at]), tally };
  }

  it('exchanges bytes at the rate asked for, counts exactly those, and spreads them over chunks', async () => {
    const { changedAt, tally } = await corrupted(0.02, 3, 1);
    expect(changedAt.length).toBe(tally.corruptedBytes);
    // 1000 are expected; 150 is more than four standard deviations.
    expect(Math.abs(changedAt.length - 1000)).toBeLessThan(150);
    expect(new Set(changedAt.map((at) => Math.floor(at / 5000))).size).toBe(10);
  });

  it('exchanges every byte with probability 1', async () => {
    expect((await corrupted(1, 3, 1)).changedAt.length).toBe(50_000);
  });

  it('repeats itself with its seed, and differs between connections and seeds', async () => {
    const { changedAt } = await corrupted(0.001, 5, 1);
    expect((await corrupted(0.001, 5, 1)).changedAt).toEqual(changedAt);
    expect((await corrupted(0.001, 5, 2)).changedAt).not.toEqual(changedAt);
    expect((await corrupted(0.001, 6, 1)).changedAt).not.toEqual(changedAt);
  });
});

describe('hang', () => {
  it('takes a bounded amount, passes on nothing, and delivers all of it in order, the end last', async () => {
    const { source, sink, tally, flow } = line(new Shaper({ kind: 'hang', holdMaxBytes: 5000 }));
    const sent = pattern(20_000);
    for (let at = 0; at < sent.length; at += 1000) source.write(sent.subarray(at, at + 1000));
    source.end();
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(tally).toMatchObject({ heldBytes: 5000, passedBytes: 0 });
    expect(sink.writes).toEqual([]);
    flow.shape = new Shaper(undefined).shape('up', 1);
    await settle();
    expect(sink.bytes.equals(sent)).toBe(true);
    expect(sink.writableEnded).toBe(true);
    expect(tally).toEqual({ heldBytes: 0, passedBytes: 20_000, corruptedBytes: 0, droppedBytes: 0 });
  });

  it('holds the loss of the source behind its bytes', async () => {
    const { source, sink, flow } = line(new Shaper({ kind: 'hang' }));
    source.write('last words');
    await settle();
    source.destroy();
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(sink.destroyed).toBe(false);
    flow.shape = new Shaper(undefined).shape('up', 1);
    expect(sink.bytes.toString()).toBe('last words');
    expect(sink.reset).toBe(true);
  });

  it('goes on under the fault that follows it', async () => {
    const { source, sink, flow } = line(new Shaper({ kind: 'hang' }));
    source.write('abcd');
    await settle();
    flow.shape = new Shaper({ kind: 'slice', sliceBytes: 2 }).shape('up', 1);
    await vi.runAllTimersAsync();
    expect(sink.writes.map(String)).toEqual(['ab', 'cd']);
  });

  it('leaves the other direction alone', async () => {
    const { source, sink } = line(new Shaper({ kind: 'hang', direction: 'down' }));
    source.write('a');
    await settle();
    expect(sink.bytes.toString()).toBe('a');
  });
});

describe('a healthy flow', () => {
  it('does not read a source whose sink is full, and loses nothing when the sink reads on', async () => {
    const sink = new Sink({ stuck: true });
    const { source } = line(new Shaper(undefined), 1, sink);
    const sent = pattern(50_000);
    for (let at = 0; at < sent.length; at += 1000) source.write(sent.subarray(at, at + 1000));
    await settle();
    expect(source.isPaused()).toBe(true);
    expect(sink.writableLength).toBeLessThanOrEqual(2000);
    for (let step = 0; step < 1000 && sink.bytes.length < sent.length; step++) {
      sink.next?.();
      await settle();
    }
    expect(sink.bytes.equals(sent)).toBe(true);
  });

  it('swallows what comes for a sink that is gone', async () => {
    const { source, sink, tally } = line(new Shaper(undefined));
    sink.destroy();
    source.write('abc');
    await settle();
    expect(tally).toMatchObject({ droppedBytes: 3, passedBytes: 0, heldBytes: 0 });
  });
});

describe('checkFault', () => {
  it.each<[Fault, string]>([
    [{ kind: 'latency', latencyMs: -1 }, 'latencyMs'],
    [{ kind: 'latency', latencyMs: 1, jitterMs: Number.NaN }, 'jitterMs'],
    [{ kind: 'slice', sliceBytes: 0 }, 'sliceBytes'],
    [{ kind: 'bandwidth', bytesPerSecond: 0 }, 'bytesPerSecond'],
    [{ kind: 'corrupt', probability: 1.5 }, 'probability'],
    [{ kind: 'corrupt', probability: 0 }, 'probability'],
    [{ kind: 'hang', holdMaxBytes: 0 }, 'holdMaxBytes'],
  ])('refuses %j by the name of its field', (fault, field) => {
    expect(() => checkFault(fault)).toThrow(new RegExp(`^${field} must be`));
  });

  it('refuses a fault that it does not know', () => {
    expect(() => checkFault({ kind: 'gremlin' } as unknown as Fault)).toThrow(/no such fault/);
  });
});
