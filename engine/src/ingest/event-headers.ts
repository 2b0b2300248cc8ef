import { headerNames } from '@helios/proto/topics';
import type { KafkaHeader } from '@helios/runtime/kafka/client';

/** The headers of the events that ingest writes. Source: spec section 2.1. */

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;
const TRACEPARENT_LENGTH = 55;

/** Whether `text` is a version 00 `traceparent` with ids that are not all zero. Source: W3C Trace Context, section 3.2. */
export function isTraceparent(text: string): boolean {
  if (text.length !== TRACEPARENT_LENGTH) return false;
  const match = TRACEPARENT.exec(text);
  return match !== null && !/^0+$/.test(match[1] ?? '') && !/^0+$/.test(match[2] ?? '');
}

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
