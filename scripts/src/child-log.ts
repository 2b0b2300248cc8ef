import { closeSync, copyFileSync, mkdirSync, openSync, readSync, statSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';

/** Size at which a log file starts anew; one older file of this size is kept as `<name>.1`. */
export const LOG_MAX_BYTES = 16 * 1024 * 1024;
const TAIL_BYTES = 65_536;

/**
 * The log file of one child. The child writes into it directly, so that it neither waits for the launcher nor fails when the launcher is
 * killed; the launcher rotates it by copying and truncating, which a file opened for appending allows.
 */
export class ChildLog {
  readonly path: string;
  /** Where the output of the child's latest start begins. */
  #startOffset = 0;
  /** Where `follow` goes on. */
  #followOffset: number;

  constructor(path: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true });
    this.#followOffset = this.#size();
  }

  /** Opens the file for one start of the child; the caller closes the descriptor once the child has it. */
  open(): number {
    this.rotate();
    this.#startOffset = this.#size();
    return openSync(this.path, 'a');
  }

  /** Starts the file anew when it is large. Lines written while it is copied are lost: a bound matters more here. */
  rotate(): void {
    if (this.#size() < LOG_MAX_BYTES) return;
    copyFileSync(this.path, `${this.path}.1`);
    truncateSync(this.path, 0);
    this.#startOffset = 0;
    this.#followOffset = 0;
  }

  /** What was written since the last call, at most 64 KiB of it, in whole lines. */
  follow(): string {
    const text = this.#read(this.#followOffset);
    const end = text.lastIndexOf('\n') + 1;
    this.#followOffset += Buffer.byteLength(text.slice(0, end));
    return text.slice(0, end);
  }

  /** The plain sentences (not JSON) that the child wrote since its latest start: what a person should read when it did not start. */
  sentences(): string {
    const from = Math.max(this.#startOffset, this.#size() - TAIL_BYTES);
    const lines = this.#read(from).split('\n');
    return lines
      .filter((line) => line.trim() !== '' && !line.startsWith('{'))
      .slice(-40)
      .join('\n');
  }

  #size(): number {
    return statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
  }

  #read(offset: number): string {
    const length = Math.min(this.#size() - offset, TAIL_BYTES);
    if (length <= 0) return '';
    const buffer = Buffer.alloc(length);
    const fd = openSync(this.path, 'r');
    try {
      return buffer.subarray(0, readSync(fd, buffer, 0, length, offset)).toString('utf8');
    } finally {
      closeSync(fd);
    }
  }
}
