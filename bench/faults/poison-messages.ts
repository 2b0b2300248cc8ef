import { type AuctionOutcome, type BidResponse, encodeBidId } from '@helios/proto/events';
import type { KafkaHeader } from '@helios/runtime/kafka/client';
import type { HopTopic } from '@helios/scripts/accounting/hops';
import { UNKNOWN_SLOT } from '@helios/scripts/accounting/identity';
import type { SeededRandom } from '@helios/scripts/random';

/** Messages that no service can handle, message by message from a seed. */

export const poisonTopics: readonly HopTopic[] = ['bidRequests', 'bidResponses', 'auctionOutcomes'];

/** A message for a topic; null stands for Kafka's null, which is not the empty value. */
export interface PlantedMessage {
  readonly topic: HopTopic;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: KafkaHeader[];
}

export interface PoisonMessage extends PlantedMessage {
  readonly kind: string;
  /** The reasons of which its letter must give one. */
  readonly codes: readonly string[];
  /** How the checker knows its letter: by the key and the slot that the value names; null when the key is none of the run's. */
  readonly known: { readonly requestId: string; readonly slotId: string | null } | null;
}

interface Kind {
  readonly name: string;
  readonly codes: readonly string[];
  /** Without it: on every topic. */
  readonly topics?: readonly HopTopic[];
  /** Too large to stand a hundred in a row in one batch of the producer. */
  readonly large?: true;
  readonly value: (topic: HopTopic, id: string, random: SeededRandom) => Buffer | null;
}

const events: readonly HopTopic[] = ['bidResponses', 'auctionOutcomes'];
const SLOT = 'slot-1';
/** Stands once in the text of every good message: where a price or a floor is. */
const PRICE = 0.012345;
/** Under the producers' and the broker's bound of 1 MB, and with the headers of a letter over it. */
const LARGEST_VALUE_BYTES = 999_750;
const GARBAGE_BYTES = 900 * 1024;
const DEPTH = 100_000;
/** A thousand large ones would fill the runner's memory and prove no more. */
const LARGE_SHARE = 0.05;
const IN_A_ROW = 100;
const GROUP_MAX = 5;
const KEYS_THAT_ARE_NONE_SHARE = 0.06;
const bodyCodes = ['malformed_json', 'not_utf8', 'byte_order_mark'];

const kinds: readonly Kind[] = [
  {
    name: 'not JSON',
    codes: ['malformed_json'],
    value: (_topic, id, random) => Buffer.from(`id=${id}&slots=${random.hex(random.integer(0, 200))}`),
  },
  { name: 'truncated JSON', codes: ['malformed_json'], value: (topic, id, random) => truncated(goodText(topic, id), random) },
  {
    name: 'wrong shape',
    codes: ['not_an_object', 'missing', 'wrong_type'],
    value: (topic, id, random) => Buffer.from(random.pick(wrongShapes(topic, id))),
  },
  { name: 'null value', codes: ['empty_body'], value: () => null },
  { name: 'empty value', codes: ['empty_body'], value: () => Buffer.alloc(0) },
  { name: 'blank value', codes: ['malformed_json'], value: () => Buffer.from(' \r\n\t ') },
  { name: '900 KB of garbage', codes: bodyCodes, large: true, value: (_topic, _id, random) => garbage(random) },
  { name: 'as large as Kafka takes', codes: ['malformed_json'], large: true, value: () => Buffer.alloc(LARGEST_VALUE_BYTES, 'x') },
  { name: 'NUL in the id', codes: ['not_storable'], value: (topic, id) => Buffer.from(goodText(topic, `${id}\u0000`)) },
  {
    name: 'lone surrogate in the id',
    codes: ['not_storable'],
    value: (topic, id, random) => Buffer.from(goodText(topic, `${id}${random.pick(['\ud800', '\udfff'])}x`)),
  },
  { name: 'invalid UTF-8', codes: ['not_utf8'], value: (topic, id, random) => notUtf8(goodText(topic, id), random) },
  { name: 'UTF-16', codes: bodyCodes, value: (topic, id) => Buffer.from(goodText(topic, id), 'utf16le') },
  { name: 'byte-order mark', codes: ['byte_order_mark'], value: (topic, id) => Buffer.from(`\ufeff${goodText(topic, id)}`) },
  {
    name: `${DEPTH} deep`,
    codes: ['not_an_object', 'missing', 'malformed_json', 'wrong_type'],
    large: true,
    value: (_topic, _id, random) => Buffer.from(random.pick([nested('[', ']'), nested('{"id":', '}'), '['.repeat(DEPTH)])),
  },
  {
    name: 'number beyond doubles',
    codes: ['out_of_range'],
    value: (topic, id, random) => Buffer.from(goodText(topic, id).replace(String(PRICE), random.pick(['1e400', '9'.repeat(400)]))),
  },
  {
    name: 'negative price',
    codes: ['out_of_range'],
    value: (topic, id) => Buffer.from(goodText(topic, id).replace(String(PRICE), '-0.000001')),
  },
  {
    name: 'prototype names',
    codes: ['missing'],
    value: (topic, id) => Buffer.from(`{"__proto__":${goodText(topic, id)},"constructor":{"prototype":${goodText(topic, id)}}}`),
  },
  { name: 'id of 257 bytes', codes: ['too_long'], value: (topic, id) => Buffer.from(goodText(topic, id.padEnd(257, 'x'))) },
  {
    name: 'both shapes',
    codes: ['conflict'],
    topics: ['bidRequests'],
    value: (_topic, id) => Buffer.from(JSON.stringify({ ...request(id), imp: [{ id: '1', banner: { w: 300, h: 250 } }] })),
  },
  {
    name: 'slot id twice',
    codes: ['duplicate'],
    topics: ['bidRequests'],
    value: (_topic, id) => Buffer.from(JSON.stringify({ ...request(id), ad_slots: [{ id: SLOT }, { id: SLOT }] })),
  },
  {
    name: '101 slots',
    codes: ['too_long'],
    topics: ['bidRequests'],
    value: (_topic, id) =>
      Buffer.from(JSON.stringify({ ...request(id), ad_slots: Array.from({ length: 101 }, (_, slot) => ({ id: String(slot) })) })),
  },
  {
    name: "another bid's id",
    codes: ['out_of_range'],
    topics: events,
    value: (topic, id) => Buffer.from(JSON.stringify({ ...event(topic, id), bid_id: encodeBidId(`${id}-other`, SLOT) })),
  },
  {
    name: 'February 30',
    codes: ['out_of_range'],
    topics: events,
    value: (topic, id) => Buffer.from(JSON.stringify({ ...event(topic, id), bid_at: '2026-02-30T00:00:00Z' })),
  },
  {
    name: 'another currency',
    codes: ['out_of_range'],
    topics: events,
    value: (topic, id) => Buffer.from(JSON.stringify({ ...event(topic, id), currency: 'EUR' })),
  },
];

/** Names of all kinds, for those who want to see that each was drawn. */
export const poisonKinds: readonly string[] = kinds.map(({ name }) => name);

/** One poison message; the kind is the seed's choice. @param small for a row of many in one batch. */
export function drawPoison(topic: HopTopic, id: string, random: SeededRandom, small = false): PoisonMessage {
  const large = !small && random.chance(LARGE_SHARE);
  const fitting = kinds.filter((kind) => (kind.topics ?? poisonTopics).includes(topic) && (kind.large === true) === large);
  return poisonOf(random.pick(fitting), topic, id, random);
}

/**
 * `count` poison messages, a third on each topic, in groups that stand together on one partition: a hundred in a row on each topic, the others
 * up to five.
 */
export function drawGroups(prefix: string, count: number, random: SeededRandom): PoisonMessage[][] {
  const groups: PoisonMessage[][] = [];
  let drawn = 0;
  for (const [index, topic] of poisonTopics.entries()) {
    let left = Math.floor((count + poisonTopics.length - 1 - index) / poisonTopics.length);
    while (left > 0) {
      const inARow = left > IN_A_ROW && groups.at(-1)?.[0]?.topic !== topic;
      const size = inARow ? IN_A_ROW : Math.min(left, random.integer(1, GROUP_MAX));
      groups.push(Array.from({ length: size }, () => drawPoison(topic, `${prefix}${drawn++}`, random, inARow)));
      left -= size;
    }
  }
  return groups;
}

/** A poison message of each kind, on each topic that the kind is for. */
export function poisonOfEachKind(prefix: string, random: SeededRandom): PoisonMessage[] {
  return poisonTopics.flatMap((topic) =>
    kinds
      .filter((kind) => (kind.topics ?? poisonTopics).includes(topic))
      .map((kind, index) => poisonOf(kind, topic, `${prefix}${topic}-${index}`, random)),
  );
}

function poisonOf(kind: Kind, topic: HopTopic, id: string, random: SeededRandom): PoisonMessage {
  const value = kind.value(topic, id, random);
  const key = random.chance(KEYS_THAT_ARE_NONE_SHARE) ? random.pick([null, Buffer.from([0xff, 0x00, 0xc0])]) : Buffer.from(id);
  const known = key?.toString() === id ? { requestId: id, slotId: topic === 'bidRequests' ? null : slotNamed(value) } : null;
  return { kind: kind.name, codes: kind.codes, topic, key, value, known };
}

function goodText(topic: HopTopic, id: string): string {
  return JSON.stringify(topic === 'bidRequests' ? request(id) : event(topic, id));
}

function request(id: string) {
  return { id, user: { id: 'user-1' }, site: { domain: 'poison.example' }, ad_slots: [{ id: SLOT, w: 300, h: 250, floor: PRICE }] };
}

function event(topic: HopTopic, id: string): BidResponse | AuctionOutcome {
  const at = new Date().toISOString();
  const bid: BidResponse = {
    bid_id: encodeBidId(id, SLOT),
    bid_request_id: id,
    slot_id: SLOT,
    user_id: null,
    site_domain: 'poison.example',
    bid_price: PRICE,
    currency: 'USD',
    floor: 0,
    auction_type: 2,
    test: false,
    creative: { id: 'poison', w: 300, h: 250, adm: '<p>ad</p>' },
    strategy: 'poison',
    enriched: false,
    top_interest: null,
    bid_at: at,
  };
  return topic === 'bidResponses' ? bid : { ...bid, win_status: false, win_price: 0, market_price: 1, timestamp: at };
}

function wrongShapes(topic: HopTopic, id: string): string[] {
  const good = goodText(topic, id);
  const name = topic === 'bidRequests' ? 'id' : 'bid_id';
  const [withoutId, numberAsId] = [undefined, 17].map((value) => JSON.stringify({ ...(JSON.parse(good) as object), [name]: value }));
  return ['[]', '17', 'true', 'null', '{}', JSON.stringify(good), `[${good}]`, withoutId as string, numberAsId as string];
}

function truncated(text: string, random: SeededRandom): Buffer {
  return Buffer.from(text.slice(0, random.integer(1, text.length - 1)));
}

/** One byte that UTF-8 has nowhere, in the middle of the text's first string. */
function notUtf8(text: string, random: SeededRandom): Buffer {
  const bytes = Buffer.from(text);
  bytes[3] = random.integer(0xf8, 0xff);
  return bytes;
}

function garbage(random: SeededRandom): Buffer {
  const words = Uint32Array.from({ length: GARBAGE_BYTES / 4 }, () => random.uint32());
  return Buffer.from(words.buffer);
}

/** JSON nested as deep as poison is. */
export function nested(open: string, close: string): string {
  return `${open.repeat(DEPTH)}0${close.repeat(DEPTH)}`;
}

/** As the reader of letters names the slot of a value. */
function slotNamed(value: Buffer | null): string {
  try {
    const slotId = (JSON.parse(String(value)) as { slot_id?: unknown } | null)?.slot_id;
    return typeof slotId === 'string' && slotId !== '' ? slotId : UNKNOWN_SLOT;
  } catch {
    return UNKNOWN_SLOT; // no JSON names no slot
  }
}
