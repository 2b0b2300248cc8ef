/**
 * `replay`: puts the messages of dead letters back to the topics they were given up from.
 *
 * How it remembers what was replayed, and why so. There is no database here, and the filters make any set of letters possible.
 * - Committed offsets of a group say "all up to here": not what a filter leaves. Their metadata (4 KB) holds no long list and expires.
 * - A transaction over message and memory would be exact, but leaves control records: each takes an offset in the source topic, which its
 *   readers would take for a lost event, and for lag that never ends.
 * - A topic of its own would have to be created, and could forget sooner than the letters do.
 * So the memory is notes in the dead-letter topic itself, in the partition of the letters they name. They stand behind their letters in one
 * log: whatever retention drops, a letter goes before the note that says it was replayed. They carry no source headers, so that no reader
 * takes them for letters.
 *
 * A chunk of letters, all of one partition:
 *   begun note acknowledged -> messages produced, once each -> acknowledgements in -> ended note, which names what arrived.
 * Between the two notes a crash leaves the chunk in doubt. The begun note says where the source topics ended, and every message put back
 * names in a header the place it stood at before: the next replay reads the source topics from there, finds what arrived and ends the chunk.
 * Two replays at once meet in the log: after its begun note each reads what stands before it, and the later one gives way. A chunk in doubt is
 * left alone until it is older than a producer tries (SETTLE_MS): its replay may be running, or its last bytes under way. What is left is a
 * replay that is stopped for longer than that and wakes (it may put one chunk back twice), which the identity by `bid_id` makes harmless.
 *
 * A message that fails again has a new offset and so is a new letter; its header `helios-replayed-from` says that the mending did not help.
 */
import { replayHeaderNames } from '@helios/proto/topics';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { KafkaConfig } from '@helios/runtime/kafka/client';
import { headerText } from '@helios/runtime/kafka/headers';
import { type Letter, matches, placeText } from './letter.js';
import { LetterGroups } from './letter-groups.js';
import type { OpenChunk } from './letter-index.js';
import type { Letters } from './letters.js';
import { count } from './list.js';
import type { ReplayOptions } from './options.js';
import { type Replay, type ReplaySender, sourceTopics } from './replay-sender.js';
import { originalOf } from './show.js';

/** Longer than a chunk can take: what the sender waits for room, for acknowledgements and for the note after them. */
const SETTLE_MS = 60_000;
const SETTLE_LOOK_MS = 1000;
const CHUNK_MAX_LETTERS = 200;
const CHUNK_MAX_BYTES = 4 * 1024 * 1024;

export interface ReplayPlan {
  readonly groups: LetterGroups;
  /** Letters that the choice leaves in and that were replayed before. */
  readonly replayedBefore: number;
}

export interface ReplaySummary {
  readonly replayed: number;
  /** Letters that a chunk in doubt turned out to have replayed already. */
  readonly foundReplayed: number;
  /** Letters that cannot be replayed, by why. */
  readonly refused: ReadonlyMap<string, number>;
}

export interface ReplayTools {
  readonly letters: Letters;
  readonly kafka: KafkaConfig;
  /** Tells the person at the terminal how far it is. */
  readonly say: (text: string) => void;
  readonly settleMs?: number;
}

/**
 * What a replay would put back: reads, and writes nothing. Letters of a chunk in doubt count as not replayed.
 * @throws Error with a sentence when an ID is no letter.
 */
export async function planReplay(letters: Letters, options: ReplayOptions): Promise<ReplayPlan> {
  const groups = new LetterGroups();
  let replayedBefore = 0;
  for await (const letter of chosen(letters, options)) {
    if (letters.index.isReplayed(letter.source)) replayedBefore++;
    else if (groups.letters < options.limit) groups.add(letter, letters.index.copies(letter.source), true);
  }
  return { groups, replayedBefore };
}

/**
 * Puts the chosen letters back that were not replayed before, and resolves when every one is acknowledged and noted.
 * @throws Error with a sentence when the broker fails in between: repeating the replay is safe, and goes on where this one ended.
 */
export async function replayLetters(tools: ReplayTools, sender: ReplaySender, options: ReplayOptions): Promise<ReplaySummary> {
  return new Replayer(tools, sender).run(options);
}

class Replayer {
  readonly #tools: ReplayTools;
  readonly #sender: ReplaySender;
  readonly #refused = new Map<string, number>();
  #replayed = 0;
  #foundReplayed = 0;

  constructor(tools: ReplayTools, sender: ReplaySender) {
    this.#tools = tools;
    this.#sender = sender;
  }

  async run(options: ReplayOptions): Promise<ReplaySummary> {
    const { letters } = this.#tools;
    await this.#settle();
    let chunk: Replay[] = [];
    let chunkBytes = 0;
    let partition = -1;
    let taken = 0;
    for await (const letter of chosen(letters, options)) {
      if (taken >= options.limit) break;
      if (letters.index.isReplayed(letter.source)) continue;
      const replay = await this.#prepared(letter);
      if (replay === null) continue;
      const bytes = replay.original.value?.length ?? 0;
      const isFull = chunk.length >= CHUNK_MAX_LETTERS || chunkBytes + bytes > CHUNK_MAX_BYTES;
      if (chunk.length > 0 && (isFull || letter.record.partition !== partition)) {
        await this.#replayChunk(partition, chunk);
        chunk = [];
        chunkBytes = 0;
      }
      partition = letter.record.partition;
      chunk.push(replay);
      chunkBytes += bytes;
      taken++;
    }
    if (chunk.length > 0) await this.#replayChunk(partition, chunk);
    return { replayed: this.#replayed, foundReplayed: this.#foundReplayed, refused: this.#refused };
  }

  /** The letter with its original bytes, or null when it cannot be put back, which is counted. */
  async #prepared(letter: Letter): Promise<Replay | null> {
    const { letters, kafka } = this.#tools;
    if (!sourceTopics(kafka).has(letter.source.topic)) return this.#refuse('the source topic is none that a service reads');
    const original = await originalOf(letters, letter);
    if (original === 'gone') return this.#refuse('the value did not fit into the letter, and the source topic does not hold it any more');
    return { source: letter.source, original };
  }

  async #replayChunk(partition: number, chosen: readonly Replay[]): Promise<void> {
    const { letters, say } = this.#tools;
    const { index } = letters;
    const chunk = randomUUID();
    const places = chosen.map(({ source }) => placeText(source));
    const ends = await this.#endsOf(chosen);
    await this.#sender.note({ kind: 'begun', chunk, letters: places, ends }, partition, letters.partitionCount);
    await letters.catchUp();
    const sources = chosen.map(({ source }) => source);
    if (index.claimedByAnother(chunk, sources)) {
      await this.#end(chunk, [], partition);
      throw new Error('Another replay of the same letters is running: wait for it, then repeat this one.');
    }
    const result = await this.#sender.replay(chosen.filter(({ source }) => !index.isReplayed(source)));
    this.#replayed += result.acknowledged.length;
    if (result.unsure.length > 0) {
      // The chunk stays in doubt: the next replay looks for what arrived.
      throw new Error(
        `Kafka did not acknowledge ${count(result.unsure.length, 'message')} in time (${this.#replayed} replayed so far). ` +
          'Repeat the replay when it is back: it goes on where this one ended, and puts nothing back twice.',
      );
    }
    await this.#end(
      chunk,
      result.acknowledged.map(({ source }) => placeText(source)),
      partition,
    );
    for (let left = result.tooLarge.length; left > 0; left--) this.#refuse('it is larger than Helios writes to Kafka');
    if (result.notSent.length > 0)
      throw new Error(
        `Kafka took no more messages (${this.#replayed} replayed so far). Repeat the replay later: it goes on where this one ended.`,
      );
    say(`${this.#replayed} replayed`);
  }

  async #end(chunk: string, replayed: readonly string[], partition: number): Promise<void> {
    await this.#sender.note({ kind: 'ended', chunk, replayed }, partition, this.#tools.letters.partitionCount);
  }

  /** Ends every chunk that an earlier replay left in doubt, after waiting for those that may still be running. */
  async #settle(): Promise<void> {
    const { letters, say, settleMs = SETTLE_MS } = this.#tools;
    for (;;) {
      const open = letters.index.openChunks();
      if (open.length === 0) return;
      const waitMs = Math.min(settleMs, Math.max(...open.map((chunk) => chunk.begunAtUnixMs)) + settleMs - Date.now());
      if (waitMs <= 0) break;
      say(`another replay is running or was just interrupted: waiting up to ${Math.ceil(waitMs / 1000)} s for it`);
      await delay(Math.min(waitMs, SETTLE_LOOK_MS));
      await letters.catchUp();
    }
    for (const chunk of letters.index.openChunks()) {
      say(`an interrupted replay of ${count(chunk.note.letters.length, 'letter')}: looking which of them arrived`);
      const arrived = await this.#arrived(chunk);
      this.#foundReplayed += arrived.length;
      await this.#end(chunk.note.chunk, arrived, chunk.partition);
    }
    await letters.catchUp();
  }

  /** The letters of a chunk in doubt that stand in the source topics again. */
  async #arrived({ note }: OpenChunk): Promise<string[]> {
    const { letters, kafka } = this.#tools;
    const wanted = new Set(note.letters);
    const arrived = new Set<string>();
    for (const topic of sourceTopics(kafka).keys()) {
      const from = note.ends[topic];
      if (from === undefined) continue;
      for (const { partition, low, high } of await letters.aside.spans(topic)) {
        const start = Math.max(low, from[partition] ?? 0);
        for await (const record of letters.aside.read(topic, partition, start, high)) {
          const place = headerText(record, replayHeaderNames.replayedFrom);
          if (place !== undefined && wanted.has(place)) arrived.add(place);
        }
      }
    }
    return [...arrived];
  }

  async #endsOf(replays: readonly Replay[]): Promise<Record<string, number[]>> {
    const ends: Record<string, number[]> = {};
    for (const topic of new Set(replays.map(({ source }) => source.topic))) {
      const topicEnds: number[] = [];
      for (const { partition, high } of await this.#tools.letters.aside.spans(topic)) topicEnds[partition] = high;
      ends[topic] = topicEnds;
    }
    return ends;
  }

  #refuse(why: string): null {
    this.#refused.set(why, (this.#refused.get(why) ?? 0) + 1);
    return null;
  }
}

/** The letters that are meant, each once, those of a partition together. */
async function* chosen(letters: Letters, options: ReplayOptions): AsyncGenerator<Letter> {
  if (options.ids.length === 0) {
    for await (const letter of letters.walk()) if (matches(letter, options.filter)) yield letter;
    return;
  }
  letters.index.beginWalk();
  for (const { partition, offset } of options.ids.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset)) {
    const letter = await letters.letterAt(partition, offset);
    if (letters.index.meet(letter.source)) yield letter;
  }
}
