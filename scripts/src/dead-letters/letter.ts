/** What stands in the dead-letter topic, read from its records. Pure; every byte of a record is taken for hostile. Source: spec section 2.1. */
import { headerNames, replayHeaderNames } from '@helios/proto/topics';
import type { KafkaHeader } from '@helios/runtime/kafka/client';
import { headerText } from '@helios/runtime/kafka/headers';

/** One record of a topic, as the client hands it over. `timestamp` is in Unix milliseconds. */
export interface TopicRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp?: number | undefined;
  readonly headers?: KafkaHeader[];
}

/** Where a message stands; as text `topic:partition:offset`. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface Letter {
  /** `partition:offset` in the dead-letter topic: what people name the letter by. */
  readonly id: string;
  readonly record: TopicRecord;
  /** Where the message stood: letters of the same place are one letter. */
  readonly source: Place;
  readonly stage: string;
  readonly reason: string;
  readonly errorText: string;
  /** When the letter was written; null when the broker keeps no time. */
  readonly writtenAtUnixMs: number | null;
  readonly acceptedAtUnixMs: number | null;
  /** How many bytes of value the letter leaves out because they did not fit; null when it is whole. */
  readonly omittedBytes: number | null;
  /** The place of the message that this one was a replay of, when it was one. */
  readonly replayedFrom: string | null;
}

/** `topic:partition:offset`. */
export function placeText(place: Place): string {
  return `${place.topic}:${place.partition}:${place.offset}`;
}

/** The place that a text names, or null when it names none. */
export function placeOf(text: string): Place | null {
  const match = /^([A-Za-z0-9._-]{1,249}):(\d{1,9}):(\d{1,15})$/.exec(text);
  if (match === null) return null;
  return { topic: match[1] as string, partition: Number(match[2]), offset: Number(match[3]) };
}

/** The record as a letter, or null when it is none: its headers do not say where a message stood. */
export function letterOf(record: TopicRecord): Letter | null {
  const header = (name: string) => headerText(record, name);
  const source = placeOf(`${header(headerNames.sourceTopic)}:${header(headerNames.sourcePartition)}:${header(headerNames.sourceOffset)}`);
  if (source === null) return null;
  return {
    id: `${record.partition}:${record.offset}`,
    record,
    source,
    stage: header(headerNames.stage) ?? '',
    reason: header(headerNames.errorCode) ?? '',
    errorText: header(headerNames.errorText) ?? '',
    writtenAtUnixMs: record.timestamp !== undefined && record.timestamp > 0 ? record.timestamp : null,
    acceptedAtUnixMs: wholeNumberOf(header(headerNames.acceptedAt)),
    omittedBytes: wholeNumberOf(header(headerNames.omittedBytes)),
    replayedFrom: header(replayHeaderNames.replayedFrom) ?? null,
  };
}

/** Bytes of the original value, be they in the letter or left out. */
export function valueBytes(letter: Letter): number {
  return letter.omittedBytes ?? letter.record.value?.length ?? 0;
}

/** Which letters are meant; a field that is absent leaves all in. Times are Unix milliseconds of the letter, both ends included. */
export interface LetterFilter {
  readonly stage?: string | undefined;
  readonly reason?: string | undefined;
  readonly topic?: string | undefined;
  readonly key?: string | undefined;
  readonly sinceUnixMs?: number | undefined;
  readonly untilUnixMs?: number | undefined;
}

/** Whether the filter leaves the letter in. A letter without a time is in no span of time. */
export function matches(letter: Letter, filter: LetterFilter): boolean {
  if (filter.stage !== undefined && letter.stage !== filter.stage) return false;
  if (filter.reason !== undefined && letter.reason !== filter.reason) return false;
  if (filter.topic !== undefined && letter.source.topic !== filter.topic) return false;
  if (filter.key !== undefined && !(letter.record.key?.equals(Buffer.from(filter.key)) ?? false)) return false;
  const atUnixMs = letter.writtenAtUnixMs ?? Number.NaN;
  if (filter.sinceUnixMs !== undefined && !(atUnixMs >= filter.sinceUnixMs)) return false;
  return filter.untilUnixMs === undefined || atUnixMs <= filter.untilUnixMs;
}

function wholeNumberOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
