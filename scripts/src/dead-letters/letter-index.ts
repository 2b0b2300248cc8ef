/** Which letters there are, how often each stands in the topic, and which were replayed. Keeps a few dozen bytes a letter, never a value. Pure. */
import { type Letter, letterOf, type Place, placeOf, placeText, type TopicRecord } from './letter.js';
import { type BegunNote, noteOf } from './replay-note.js';

/** A chunk that a replay began and did not end: a replay that runs now, or one that was interrupted. */
export interface OpenChunk {
  readonly note: BegunNote;
  /** Where the note stands in the dead-letter topic. */
  readonly partition: number;
  readonly offset: number;
  readonly begunAtUnixMs: number;
}

/** Copies of a letter in steps of four; below them whether it was replayed, and whether it was met on the present walk. */
const REPLAYED = 1;
const MET = 2;
const ONE_COPY = 4;

export class LetterIndex {
  /** By `topic:partition` of the source, then by offset. */
  readonly #letters = new Map<string, Map<number, number>>();
  readonly #openChunks = new Map<string, OpenChunk>();
  /** Records that are neither letters nor notes. */
  foreign = 0;

  /** Takes the next record of a partition, in the order of its offsets. @returns the letter, if it is one. */
  take(record: TopicRecord): Letter | null {
    const letter = letterOf(record);
    if (letter !== null) {
      this.#update(letter.source, (bits) => bits + ONE_COPY);
      return letter;
    }
    const note = noteOf(record);
    if (note === null) this.foreign++;
    else if (note.kind === 'begun') {
      const { partition, offset, timestamp = 0 } = record;
      this.#openChunks.set(note.chunk, { note, partition, offset, begunAtUnixMs: timestamp });
    } else {
      this.#openChunks.delete(note.chunk);
      for (const text of note.replayed) {
        const place = placeOf(text);
        if (place !== null) this.#update(place, (bits) => bits | REPLAYED);
      }
    }
    return null;
  }

  copies(source: Place): number {
    return Math.floor(this.#bits(source) / ONE_COPY);
  }

  isReplayed(source: Place): boolean {
    return (this.#bits(source) & REPLAYED) !== 0;
  }

  /** Chunks that were begun and not ended, oldest first. */
  openChunks(): OpenChunk[] {
    return [...this.#openChunks.values()].toSorted((a, b) => a.begunAtUnixMs - b.begunAtUnixMs);
  }

  /** Whether another chunk than `chunk` claimed one of these letters, before the place of `chunk`'s own note, and has not ended. */
  claimedByAnother(chunk: string, sources: readonly Place[]): boolean {
    const own = this.#openChunks.get(chunk);
    const wanted = new Set(sources.map(placeText));
    return this.openChunks().some(
      (other) =>
        other.note.chunk !== chunk &&
        !(own !== undefined && other.partition === own.partition && other.offset > own.offset) &&
        other.note.letters.some((letter) => wanted.has(letter)),
    );
  }

  /** Begins a walk over the letters: each is new again. */
  beginWalk(): void {
    for (const offsets of this.#letters.values()) for (const [offset, bits] of offsets) offsets.set(offset, bits & ~MET);
  }

  /** Whether this walk meets the letter for the first time; further copies are not. */
  meet(source: Place): boolean {
    const isNew = (this.#bits(source) & MET) === 0;
    if (isNew) this.#update(source, (bits) => bits | MET);
    return isNew;
  }

  #bits(source: Place): number {
    return this.#letters.get(`${source.topic}:${source.partition}`)?.get(source.offset) ?? 0;
  }

  #update(source: Place, change: (bits: number) => number): void {
    const partition = `${source.topic}:${source.partition}`;
    let offsets = this.#letters.get(partition);
    if (offsets === undefined) this.#letters.set(partition, (offsets = new Map()));
    offsets.set(source.offset, change(offsets.get(source.offset) ?? 0));
  }
}
