/** A stream of messages with one live line below them; without a terminal the live line becomes a plain line every few seconds. */
export class Terminal {
  readonly #stream: NodeJS.WriteStream;
  readonly #plainEveryMs: number;
  #live = '';
  #lastPlainMonoMs = Number.NEGATIVE_INFINITY;

  constructor(stream: NodeJS.WriteStream, plainEveryMs = 5000) {
    this.#stream = stream;
    this.#plainEveryMs = plainEveryMs;
    // Whoever read along is gone (a closed terminal, `| head`): the work goes on without an audience.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    });
  }

  /** Prints a message, above the live line. */
  say(text: string): void {
    this.#stream.write(this.#stream.isTTY ? `\r\u001B[K${text}\n${this.#live}` : `${text}\n`);
  }

  /** Shows `text` as the live line. */
  live(text: string): void {
    if (this.#stream.isTTY) {
      // A line that wraps cannot be taken back.
      this.#live = text.slice(0, Math.max(20, this.#stream.columns - 1));
      this.#stream.write(`\r\u001B[K${this.#live}`);
      return;
    }
    const nowMonoMs = performance.now();
    if (nowMonoMs - this.#lastPlainMonoMs < this.#plainEveryMs) return;
    this.#lastPlainMonoMs = nowMonoMs;
    this.#stream.write(`${text}\n`);
  }

  /** Ends the live line, so that what follows starts below it. */
  endLive(): void {
    if (this.#stream.isTTY && this.#live !== '') this.#stream.write('\n');
    this.#live = '';
    this.#lastPlainMonoMs = Number.NEGATIVE_INFINITY;
  }
}
