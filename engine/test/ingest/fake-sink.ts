import type { KafkaHeader } from '@helios/runtime/kafka/client';
import type { DeliverySink, Refusal } from '@helios/runtime/kafka/producer';
import type { BidRequestSink } from '../../src/ingest/intake.js';

export interface ProducedEvent {
  readonly topic: string;
  readonly key: string | Buffer | null;
  readonly value: Buffer;
  readonly headers: KafkaHeader[] | undefined;
  /** Plays the broker's delivery report; null acknowledges. */
  report(error: string | null): void;
}

/** A producer whose delivery reports the test gives: at once (`acknowledges`), or one by one. */
export class FakeSink implements BidRequestSink {
  acknowledges = true;
  refuses: Refusal | null = null;
  silenceMs = 0;
  closed = false;
  inFlight = 0;
  readonly events: ProducedEvent[] = [];
  #waiters: (() => void)[] = [];

  produce(
    topic: string,
    key: string | Buffer | null,
    value: Buffer,
    headers: KafkaHeader[] | undefined,
    sink: DeliverySink,
    token: number,
  ): Refusal | null {
    if (this.refuses !== null) return this.refuses;
    this.inFlight++;
    let reported = false;
    const report = (error: string | null) => {
      if (reported) throw new Error('a delivery is reported once');
      reported = true;
      this.inFlight--;
      sink.delivered(token, error);
    };
    // The real producer copies the value, which is memory of uWebSockets.js, before it returns.
    this.events.push({ topic, key, value: Buffer.from(value), headers, report });
    if (this.acknowledges) setImmediate(report, null);
    for (const wake of this.#waiters.splice(0)) wake();
    return null;
  }

  /** The event number `count` (from 1), once it has been produced. */
  async event(count: number): Promise<ProducedEvent> {
    for (;;) {
      const event = this.events[count - 1];
      if (event !== undefined) return event;
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  brokerSilenceMs(): number {
    return this.silenceMs;
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}
