/**
 * The notes that `replay` leaves in the dead-letter topic; replay.ts says why they stand there. Pure.
 *
 * A chunk of letters: begun (claimed, from here on in doubt) -> ended (these were replayed; the others are as before).
 */
import { replayHeaderNames } from '@helios/proto/topics';
import type { KafkaHeader } from '@helios/runtime/kafka/client';
import { headerText } from '@helios/runtime/kafka/headers';
import { partitionFor } from '@helios/runtime/kafka/partitioner';
import { placeOf, type TopicRecord } from './letter.js';

/** Letters are named by their place, `topic:partition:offset`. */
export interface BegunNote {
  readonly kind: 'begun';
  /** Names the chunk: fresh for every one. */
  readonly chunk: string;
  readonly letters: readonly string[];
  /** Per source topic and partition the end of the log before anything was replayed: replays of this chunk stand from there on. */
  readonly ends: Readonly<Record<string, readonly number[]>>;
}

export interface EndedNote {
  readonly kind: 'ended';
  readonly chunk: string;
  readonly replayed: readonly string[];
}

export type ReplayNote = BegunNote | EndedNote;

/** The note as key, value and headers of a record whose key leads to `partition` of `partitionCount`. */
export function encodeNote(
  note: ReplayNote,
  partition: number,
  partitionCount: number,
): { key: string; value: Buffer; headers: KafkaHeader[] } {
  const { kind, ...value } = note;
  return {
    key: keyFor(partition, partitionCount),
    value: Buffer.from(JSON.stringify(value)),
    headers: [{ [replayHeaderNames.replayNote]: kind }],
  };
}

/** The note that a record is, or null when it is none, or not one of ours. */
export function noteOf(record: Pick<TopicRecord, 'headers' | 'value'>): ReplayNote | null {
  const kind = headerText(record, replayHeaderNames.replayNote);
  if (kind !== 'begun' && kind !== 'ended') return null;
  const fields = fieldsOf(record.value);
  const chunk = fields?.['chunk'];
  if (fields === null || typeof chunk !== 'string') return null;
  if (kind === 'ended') return isPlaces(fields['replayed']) ? { kind, chunk, replayed: fields['replayed'] } : null;
  return isPlaces(fields['letters']) && isEnds(fields['ends']) ? { kind, chunk, letters: fields['letters'], ends: fields['ends'] } : null;
}

/** The producer chooses the partition by the key alone: one of the first few keys leads to the one that is wanted. */
function keyFor(partition: number, partitionCount: number): string {
  for (let number = 0; ; number++) {
    const key = `helios-replay-note-${number}`;
    if (partitionFor(key, partitionCount) === partition) return key;
  }
}

function fieldsOf(value: Buffer | null): Record<string, unknown> | null {
  try {
    const fields: unknown = JSON.parse(String(value));
    return typeof fields === 'object' && fields !== null ? (fields as Record<string, unknown>) : null;
  } catch {
    return null; // somebody else's
  }
}

function isPlaces(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((place) => typeof place === 'string' && placeOf(place) !== null);
}

function isEnds(value: unknown): value is Record<string, number[]> {
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).every((ends) => Array.isArray(ends) && ends.every((end) => Number.isSafeInteger(end)));
}
