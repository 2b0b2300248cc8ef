import { headerNames } from '@helios/proto/topics';
import type { KafkaHeader } from './client.js';
import type { ConsumedMessage } from './consumer.js';

/** The text of a header, undefined when the message has none of that name. */
export function headerText(message: Pick<ConsumedMessage, 'headers'>, name: string): string | undefined {
  if (message.headers === undefined) return undefined;
  for (const header of message.headers) {
    const value = header[name];
    if (value !== undefined) return typeof value === 'string' ? value : value.toString('utf8');
  }
  return undefined;
}

/** The end of the year 9999: a header that claims more is nonsense. */
const ACCEPTED_AT_MAX_UNIX_MS = 253_402_300_799_999;

/** Unix milliseconds when ingest took the request, from the text of its header; NaN when there is none that is a time. */
export function acceptedAtUnixMs(text: string | undefined): number {
  if (text === undefined || !/^\d{1,15}$/.test(text)) return Number.NaN;
  const unixMs = Number(text);
  return unixMs > ACCEPTED_AT_MAX_UNIX_MS ? Number.NaN : unixMs;
}

/** The headers that every event hands on to what comes of it: when its request was accepted, and its trace. Source: spec section 2.1. */
export function carriedHeaders(message: Pick<ConsumedMessage, 'headers'>): KafkaHeader[] {
  const headers: KafkaHeader[] = [];
  for (const name of [headerNames.acceptedAt, headerNames.traceparent]) {
    const text = headerText(message, name);
    if (text !== undefined) headers.push({ [name]: text });
  }
  return headers;
}
