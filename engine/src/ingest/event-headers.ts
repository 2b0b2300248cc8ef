import { headerNames } from '@helios/proto/topics';
import type { KafkaHeader } from '@helios/runtime/kafka/client';

/** The headers of the events that ingest writes. Source: spec section 2.1. */

/** Builds headers; requests of one millisecond share one array, which callers must not change. */
export class EventHeaders {
  #atUnixMs = Number.NaN;
  #shared: KafkaHeader[] = [];

  /** @param traceparent a valid one, or '' for none. */
  for(acceptedAtUnixMs: number, traceparent: string): KafkaHeader[] {
    if (acceptedAtUnixMs !== this.#atUnixMs) {
      this.#atUnixMs = acceptedAtUnixMs;
      this.#shared = [{ [headerNames.acceptedAt]: String(acceptedAtUnixMs) }];
    }
    return traceparent === '' ? this.#shared : [...this.#shared, { [headerNames.traceparent]: traceparent }];
  }
}
