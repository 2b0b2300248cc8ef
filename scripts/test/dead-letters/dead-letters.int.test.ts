import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '@helios/runtime/config';
import type { KafkaConfig } from '@helios/runtime/kafka/client';
import { DeadLetters } from '@helios/runtime/kafka/dead-letters';
import { EventProducer } from '@helios/runtime/kafka/producer';
import { createLogger } from '@helios/runtime/log';
import { Metrics } from '@helios/runtime/metrics';
import { kafkaSettings } from '@helios/runtime/settings';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { letterOf, type TopicRecord } from '../../src/dead-letters/letter.js';
import { Letters } from '../../src/dead-letters/letters.js';
import { optionsOf, type ReplayOptions } from '../../src/dead-letters/options.js';
import { replayLetters } from '../../src/dead-letters/replay.js';
import { ReplaySender } from '../../src/dead-letters/replay-sender.js';
import { SpanReader } from '../../src/dead-letters/span-reader.js';
import { type MockCluster, startMockCluster } from '../../src/mock-cluster.js';

const TOPICS = ['bid_requests', 'bid_responses', 'auction_outcomes', 'dead_letters'];
const poison: Record<string, Buffer | null> = {
  'not-json': Buffer.from('{"id":'),
  nul: Buffer.from([0x7b, 0x00, 0x7d]),
  'not-utf8': Buffer.from([0xff, 0xfe, 0x80, 0x0a]),
  null: null,
  empty: Buffer.alloc(0),
  // Fits, but not beside a letter's headers; and one that does not fit beside the header of a replay either.
  large: Buffer.alloc(999_700, 0x61),
  largest: Buffer.alloc(999_900, 0x61),
};

let cluster: MockCluster;
let kafka: KafkaConfig;
let producer: EventProducer;
let service: ChildProcess | undefined;

beforeEach(async () => {
  cluster = await startMockCluster(TOPICS, 0);
  kafka = loadConfig({ service: 'test', schema: kafkaSettings, env: { KAFKA_BROKERS: cluster.bootstrap }, knownVariables: [] });
  producer = EventProducer.start({
    kafka,
    clientId: 'test',
    log: createLogger('test', 'silent'),
    metrics: new Metrics('test', ''),
    messageTimeoutMs: 5000,
    onFatal: (error) => {
      throw error;
    },
  });
  while (producer.brokerSilenceMs() === Number.POSITIVE_INFINITY) await new Promise((resolve) => setTimeout(resolve, 5));
});

afterEach(async () => {
  await producer.close(1000);
  await cluster.close();
});

afterAll(() => {
  service?.kill('SIGKILL');
});

interface Ended {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs `npm run dead-letters` as a person would, without a terminal. */
function run(...args: string[]): Promise<Ended> {
  const file = fileURLToPath(new URL('../../dist/dead-letters/main.js', import.meta.url));
  return new Promise((resolve) => {
    const options = { encoding: 'buffer' as const, maxBuffer: 64 * 1024 * 1024 };
    const child = execFile(process.execPath, [file, ...args, '--brokers', cluster.bootstrap], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr: stderr.toString() });
    });
    child.stdin?.end();
  });
}

async function listed(...args: string[]): Promise<Record<string, unknown>[]> {
  const { code, stdout, stderr } = await run('list', '--json', ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function recordsOf(topic: string): Promise<TopicRecord[]> {
  const reader = await SpanReader.connect(kafka);
  const records: TopicRecord[] = [];
  for (const { partition, low, high } of await reader.spans(topic))
    for await (const record of reader.read(topic, partition, low, high)) records.push(record);
  await reader.close();
  return records;
}

function headersOf(record: TopicRecord): Record<string, string> {
  return Object.fromEntries(
    (record.headers ?? []).flatMap((header) => Object.entries(header).map(([name, value]) => [name, value.toString()])),
  );
}

/** A value as a short text that tells it from others, null from empty too: comparing megabytes byte by byte takes the test runner seconds. */
function printOf(value: Buffer | null | undefined): string {
  return value ? `${value.length} ${createHash('sha256').update(value).digest('hex')}` : String(value);
}

/** An empty buffer without memory of its own would be written as null. */
const onTheWire = (value: Buffer | null) => (value?.length === 0 ? Buffer.alloc(1).subarray(0, 0) : value);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function startAuction(): Promise<void> {
  const file = fileURLToPath(new URL('../../../engine/dist/main.js', import.meta.url));
  const env = {
    PATH: process.env['PATH'],
    KAFKA_BROKERS: cluster.bootstrap,
    ADMIN_PORT: String(await freePort()),
    HELIOS_EXIT_WITH_PARENT: '1',
  };
  service = spawn(process.execPath, [file, 'auction'], { stdio: ['pipe', 'ignore', 'inherit'], env });
}

async function untilLetters(count: number): Promise<void> {
  while ((await recordsOf('dead_letters')).filter((record) => letterOf(record) !== null).length < count)
    await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Letters of made-up messages that stood at offsets 0, 1, 2 ... of one partition. */
async function putLetters(count: number): Promise<void> {
  const letters = new DeadLetters({
    producer,
    topic: 'dead_letters',
    stage: 'writer',
    codes: [],
    log: createLogger('test', 'silent'),
    metrics: new Metrics('test', ''),
  });
  const sends = Array.from({ length: count }, (_, offset) => {
    const message = {
      topic: 'auction_outcomes',
      partition: 0,
      offset,
      key: Buffer.from(`req-${offset}`),
      value: Buffer.from(`value ${offset}`),
    };
    return letters.send(message, 'bad_row', 'SQLSTATE 22003: out of range');
  });
  await Promise.all(sends);
}

function replayAll(): ReplayOptions {
  return optionsOf(['replay', '--all', '--yes'], Date.now()) as ReplayOptions;
}

describe('dead letters of a service', () => {
  test(
    'are listed, shown and put back once, byte for byte; what fails again is a new letter that says so',
    { timeout: 120_000 },
    async () => {
      for (const [key, value] of Object.entries(poison))
        await producer.send('bid_responses', key, onTheWire(value), [{ 'helios-accepted-at': '1760000000000' }, { other: 'stays' }]);
      const sources = new Map((await recordsOf('bid_responses')).map((record) => [String(record.key), record]));
      await startAuction();
      await untilLetters(7);

      const groups = await listed();
      expect(new Set(groups.map(({ stage, topic, open }) => `${String(stage)} ${String(topic)} ${Number(open) > 0}`))).toEqual(
        new Set(['auction bid_responses true']),
      );
      const each = await listed('--each');
      expect(new Set(each.map(({ key }) => key))).toEqual(new Set(Object.keys(poison)));
      expect(each).toHaveLength(7);
      await Promise.all(
        each.map(async ({ id, key, omittedBytes }) => {
          const shown = await run('show', String(id), '--raw');
          expect(shown.code).toBe(0);
          expect(shown.stdout.equals(poison[String(key)] ?? Buffer.alloc(0))).toBe(true);
          expect(omittedBytes).toBe(String(key).startsWith('large') ? poison[String(key)]?.length : null);
        }),
      );
      const nul = sources.get('nul');
      const shown = await run('show', '--source', `bid_responses:${nul?.partition}:${nul?.offset}`);
      expect(shown.stdout.toString()).toContain('00000000  7b 00 7d                                          |{.}|');

      expect((await run('replay', '--stage', 'auction')).code).toBe(2);
      expect((await run('replay', '--stage', 'auction', '--dry-run')).stdout.toString()).toContain(
        '7 letters would be replayed; nothing was.',
      );
      expect(await recordsOf('bid_responses')).toHaveLength(7);
      const replayed = await run('replay', ...each.map(({ id }) => String(id)), '--yes');
      expect(replayed.stdout.toString()).toContain('7 letters replayed.');
      expect(replayed.code).toBe(0);
      await untilLetters(14);
      const again = await run('replay', ...each.map(({ id }) => String(id)), '--yes');
      expect(again.stdout.toString()).toContain('There is nothing to replay.');
      expect(again.code).toBe(0);

      const records = await recordsOf('bid_responses');
      expect(records).toHaveLength(14);
      for (const [key, value] of Object.entries(poison)) {
        const [first, second, ...more] = records.filter((record) => String(record.key) === key);
        expect([first, second].map((record) => printOf(record?.value))).toEqual([printOf(value), printOf(value)]);
        expect(more).toEqual([]);
        expect(second === undefined ? {} : headersOf(second)).toEqual({
          'helios-accepted-at': '1760000000000',
          // What stood beside it is left behind by a letter, unless the original was read where it stood.
          ...(key.startsWith('large') ? { other: 'stays' } : {}),
          ...(key === 'largest' ? {} : { 'helios-replayed-from': `bid_responses:${first?.partition}:${first?.offset}` }),
        });
      }
      const open = await listed('--each', '--open');
      expect(new Map(open.map(({ key, replayedFrom }) => [key, replayedFrom]))).toEqual(
        new Map(
          [...sources].map(([key, { partition, offset }]) => [key, key === 'largest' ? null : `bid_responses:${partition}:${offset}`]),
        ),
      );
      const ended = new Promise((resolve) => service?.once('exit', resolve));
      service?.kill('SIGTERM');
      expect(await ended).toBe(0);
    },
  );
});

describe('a replay', () => {
  test('that was interrupted is gone on with: what arrived is found and not put back again', async () => {
    await putLetters(10);
    const letters = await Letters.open(kafka);
    const sender = await ReplaySender.connect(kafka);
    // What a crash leaves: a begun note, part of the messages, no ended note.
    const interrupted: TopicRecord[] = [];
    for await (const letter of letters.walk()) if (letter.id.startsWith('0:') || interrupted.length < 3) interrupted.push(letter.record);
    const [first] = interrupted;
    if (first === undefined) throw new Error('no letters');
    const places = interrupted.map((record) => `auction_outcomes:0:${headersOf(record)['helios-source-offset']}`);
    await sender.note({ kind: 'begun', chunk: 'c', letters: places, ends: { auction_outcomes: [0, 0, 0, 0] } }, first.partition, 4);
    const source = { topic: 'auction_outcomes', partition: 0, offset: Number(headersOf(first)['helios-source-offset']) };
    await sender.replay([{ source, original: first }]);
    await letters.close();

    const list = (await run('list')).stdout.toString();
    expect(list).toContain(`A replay of ${places.length} letters is running or was interrupted`);
    const repeated = await Letters.open(kafka);
    const said: string[] = [];
    const tools = { letters: repeated, kafka, say: (text: string) => void said.push(text), settleMs: 1 };
    expect(await replayLetters(tools, sender, replayAll())).toEqual({ replayed: 9, foundReplayed: 1, refused: new Map() });
    expect(said[0]).toMatch(/interrupted replay of \d+ letters/);
    await repeated.close();
    await sender.close();

    expect((await recordsOf('auction_outcomes')).map((record) => String(record.value)).toSorted()).toEqual(
      Array.from({ length: 10 }, (_, offset) => `value ${offset}`),
    );
    expect(await listed('--open')).toEqual([]);
    expect((await run('list')).stdout.toString()).not.toContain('interrupted');
  });

  test('of another person at the same time gives way, and nothing is put back twice', async () => {
    await putLetters(900);
    const [one, two] = await Promise.all([Letters.open(kafka), Letters.open(kafka)]);
    const [mine, theirs] = await Promise.all([ReplaySender.connect(kafka), ReplaySender.connect(kafka)]);
    const silent = () => undefined;
    const results = await Promise.allSettled([
      replayLetters({ letters: one, kafka, say: silent, settleMs: 2000 }, mine, replayAll()),
      replayLetters({ letters: two, kafka, say: silent, settleMs: 2000 }, theirs, replayAll()),
    ]);
    for (const result of results)
      if (result.status === 'rejected') expect(String(result.reason)).toContain('Another replay of the same letters is running');
    await Promise.all([one.close(), two.close(), mine.close(), theirs.close()]);
    expect((await run('replay', '--all', '--yes')).code).toBe(0);
    const values = (await recordsOf('auction_outcomes')).map((record) => String(record.value));
    expect(values).toHaveLength(900);
    expect(new Set(values).size).toBe(900);
  });

  test('of a letter whose topic no service reads, or whose bytes are gone, is refused and said', async () => {
    const headers = (topic: string, extra: Record<string, string> = {}) =>
      Object.entries({ 'helios-source-topic': topic, 'helios-source-partition': '0', 'helios-source-offset': '5', ...extra }).map(
        ([name, value]) => ({ [name]: value }),
      );
    await producer.send('dead_letters', 'a', Buffer.from('x'), headers('dead_letters'));
    await producer.send('dead_letters', 'b', Buffer.alloc(0), headers('bid_requests', { 'helios-omitted-bytes': '999950' }));
    await producer.send('dead_letters', 'c', Buffer.from('no letter'));
    const { code, stdout } = await run('replay', '--all', '--yes');
    expect(code).toBe(1);
    expect(stdout.toString()).toContain('1 letter not replayed: the source topic is none that a service reads.');
    expect(stdout.toString()).toContain('1 letter not replayed: the value did not fit into the letter');
    expect((await run('list')).stdout.toString()).toContain('1 record of it is no letter of Helios.');
    const [gone] = await listed('--each', '--key', 'b');
    const shown = await run('show', String(gone?.['id']), '--raw');
    expect({ code: shown.code, stdout: shown.stdout.length, stderr: shown.stderr }).toMatchObject({
      code: 1,
      stdout: 0,
      stderr: expect.stringContaining('is not held by the broker any more') as unknown,
    });
  });
});

test('without a broker each command ends with 1 and a sentence, and with a wrong address with 2', async () => {
  const file = fileURLToPath(new URL('../../dist/dead-letters/main.js', import.meta.url));
  const of = (brokers: string) =>
    new Promise<[number, string]>((resolve) => {
      execFile(process.execPath, [file, 'list', '--brokers', brokers], (error, _, stderr) => resolve([Number(error?.code ?? 0), stderr]));
    });
  expect(await of(`127.0.0.1:${await freePort()}`)).toEqual([1, expect.stringMatching(/^dead-letters: Kafka does not answer at 127/)]);
  expect(await of('nonsense')).toEqual([2, expect.stringContaining('KAFKA_BROKERS is "nonsense"')]);
});
