import type { Socket } from 'node:net';
import { healthy, type Shape } from './shape.js';

/** What one direction of all connections of a proxy adds up to. */
export interface Tally {
  /** Written to the receiver's socket. */
  passedBytes: number;
  corruptedBytes: number;
  /** Held back at the moment. */
  heldBytes: number;
  /** Taken from the sender and never passed on. */
  droppedBytes: number;
}

/** What came from the source, in order: bytes, then its end (half-close) or its loss (reset). */
interface Held {
  readonly what: 'bytes' | 'end' | 'reset';
  bytes: Buffer;
  leavesMonoMs: number;
}

/** Bytes alone would not bound what a source that sends single bytes costs. */
const HELD_MAX_CHUNKS = 16_384;

const nothing = Buffer.alloc(0);

/**
 * One direction of one proxied connection: everything that comes from the source reaches the sink in order, as the shape in force says,
 * and the source is not read while the sink or the shape holds too much back. A sink that is gone swallows what still comes.
 * While the shape is healthy and nothing waits, a chunk goes straight from socket to socket.
 */
export class Flow {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #tally: Tally;
  readonly #queue: Held[] = [];
  #shape: Shape = healthy;
  #heldBytes = 0;
  /** When the link has carried the piece at the head of the queue. */
  #carriedMonoMs: number | null = null;
  #sinkFull = false;
  /** A piece is on its way to the kernel, and the next one waits for it. */
  #pieceLeaving = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(source: Socket, sink: Socket, tally: Tally) {
    this.#source = source;
    this.#sink = sink;
    this.#tally = tally;
    let ended = false;
    source.on('data', (bytes: Buffer) => this.#take(bytes));
    source.on('end', () => {
      ended = true;
      this.#hold('end', nothing);
    });
    // Lost without an end, or with an error after it (the other side wrote to a peer that was gone). A reset that libuv sees together with
    // the last bytes is an end to it: the sink then gets an end first, and the reset when it writes.
    source.on('close', (failed) => {
      if (failed || !ended) this.#hold('reset', nothing);
    });
    sink.on('drain', () => {
      this.#sinkFull = false;
      this.#pump();
    });
    sink.on('close', () => this.#drop());
  }

  /** Takes effect at once for what is held already and for what comes. */
  set shape(shape: Shape) {
    this.#shape = shape;
    this.#carriedMonoMs = null;
    for (const held of this.#queue) held.leavesMonoMs = 0;
    this.#pump();
  }

  #drop(): void {
    this.#clearTimer();
    this.#queue.length = 0;
    this.#tally.droppedBytes += this.#heldBytes;
    this.#tally.heldBytes -= this.#heldBytes;
    this.#heldBytes = 0;
    this.#carriedMonoMs = null;
    this.#source.resume();
  }

  #take(bytes: Buffer): void {
    if (this.#sink.destroyed) {
      this.#tally.droppedBytes += bytes.length;
    } else if (this.#shape === healthy && this.#queue.length === 0 && !this.#sinkFull) {
      this.#write(bytes);
      if (this.#sinkFull) this.#source.pause();
    } else {
      this.#tally.corruptedBytes += this.#shape.corrupt(bytes);
      this.#hold('bytes', bytes);
    }
  }

  #hold(what: Held['what'], bytes: Buffer): void {
    if (this.#sink.destroyed) return;
    // An earlier chunk with a longer delay stands before this one in the queue: order is kept whatever the delays.
    this.#queue.push({ what, bytes, leavesMonoMs: performance.now() + this.#shape.delayMs() });
    this.#heldBytes += bytes.length;
    this.#tally.heldBytes += bytes.length;
    if (this.#queue.length === 1) this.#pump();
    if (this.#fullTo(1)) this.#source.pause();
  }

  #pump(): void {
    this.#clearTimer();
    this.#passOn();
    if (this.#source.isPaused() && !this.#sinkFull && !this.#fullTo(0.5)) this.#source.resume();
  }

  /** Writes what may leave, until something has to be waited for. */
  #passOn(): void {
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      if (this.#shape.holds || this.#sinkFull || this.#pieceLeaving || this.#sink.destroyed) return;
      const waitMs = this.#waitMs(head, performance.now());
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#pump(), Math.ceil(waitMs));
        return;
      }
      if (head.what === 'bytes') {
        this.#passPiece(head);
      } else {
        this.#queue.shift();
        if (head.what === 'end') this.#sink.end();
        else resetSocket(this.#sink);
      }
    }
  }

  #waitMs(head: Held, nowMonoMs: number): number {
    const { link, pieceMaxBytes } = this.#shape;
    if (link === null || head.what !== 'bytes') return head.leavesMonoMs - nowMonoMs;
    this.#carriedMonoMs ??= link.reserve(Math.min(head.bytes.length, pieceMaxBytes), nowMonoMs);
    return this.#carriedMonoMs - nowMonoMs;
  }

  #passPiece(head: Held): void {
    const whole = head.bytes.length <= this.#shape.pieceMaxBytes;
    const piece = whole ? head.bytes : head.bytes.subarray(0, this.#shape.pieceMaxBytes);
    if (whole) this.#queue.shift();
    else head.bytes = head.bytes.subarray(piece.length);
    this.#heldBytes -= piece.length;
    this.#tally.heldBytes -= piece.length;
    this.#carriedMonoMs = null;
    if (!this.#shape.oneByOne) return this.#write(piece);
    this.#pieceLeaving = true;
    // Two writes in one turn could leave as one segment.
    const next = (): void => {
      this.#pieceLeaving = false;
      this.#pump();
    };
    this.#write(piece, () => setImmediate(next));
  }

  #write(bytes: Buffer, gone?: () => void): void {
    this.#tally.passedBytes += bytes.length;
    this.#sinkFull = !this.#sink.write(bytes, gone);
  }

  /** Whether the share of what may be held is reached. */
  #fullTo(share: number): boolean {
    return this.#heldBytes >= this.#shape.holdMaxBytes * share || this.#queue.length >= HELD_MAX_CHUNKS * share;
  }

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** Closes with RST. A socket that is still connecting is just given up: Node would wait for the connection first, without a limit. */
export function resetSocket(socket: Socket): void {
  if (socket.connecting || socket.pending) socket.destroy();
  else socket.resetAndDestroy();
}
