/**
 * Bodies that arrive in several pieces. A body in one piece, which nearly all are, never comes here: it is parsed and produced straight
 * from uWebSockets.js' memory.
 */

/** The memory that half-received bodies may take together: ten thousand slow senders must not be ten thousand bodies of the largest size. */
export class BodyMemory {
  readonly maxBytes: number;
  #usedBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  take(bytes: number): boolean {
    if (this.#usedBytes + bytes > this.maxBytes) return false;
    this.#usedBytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}

export type Appended = 'ok' | 'too_large' | 'no_memory';

const FIRST_CAPACITY_BYTES = 4096;

/**
 * A buffer that grows with what has arrived, by doubling, up to `maxBytes`. It never trusts a declared length: a client that announces
 * 256 KiB and sends one byte takes 4 KiB.
 */
export class BodyBuffer {
  readonly #maxBytes: number;
  readonly #memory: BodyMemory;
  #buffer: Buffer | null = null;
  #length = 0;

  constructor(maxBytes: number, memory: BodyMemory) {
    this.#maxBytes = maxBytes;
    this.#memory = memory;
  }

  /** Bytes that have arrived. */
  get length(): number {
    return this.#length;
  }

  /** Copies `chunk` to the end. When it does not fit, nothing changes. */
  append(chunk: ArrayBuffer): Appended {
    const length = this.#length + chunk.byteLength;
    if (length > this.#maxBytes) return 'too_large';
    const grown = this.#withRoomFor(length);
    if (grown === null) return 'no_memory';
    grown.set(new Uint8Array(chunk), this.#length);
    this.#length = length;
    return 'ok';
  }

  /** What has arrived: a view that is good until the next `append` or `clear`. */
  bytes(): Buffer {
    return this.#buffer === null ? Buffer.alloc(0) : this.#buffer.subarray(0, this.#length);
  }

  /** Forgets the body and gives its memory back. */
  clear(): void {
    if (this.#buffer !== null) this.#memory.giveBack(this.#buffer.length);
    this.#buffer = null;
    this.#length = 0;
  }

  #withRoomFor(length: number): Buffer | null {
    const old = this.#buffer;
    const capacity = old === null ? 0 : old.length;
    if (old !== null && length <= capacity) return old;
    const wanted = Math.min(this.#maxBytes, Math.max(FIRST_CAPACITY_BYTES, capacity * 2, length));
    if (!this.#memory.take(wanted - capacity)) return null;
    const grown = Buffer.allocUnsafeSlow(wanted);
    if (old !== null) old.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
    return grown;
  }
}
