import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Health } from '@helios/runtime/admin-server';
import { loadConfig } from '@helios/runtime/config';
import { BatchConsumer, type ConsumedMessage } from '@helios/runtime/kafka/consumer';
import { EventProducer } from '@helios/runtime/kafka/producer';
import { createLogger } from '@helios/runtime/log';
import { Metrics } from '@helios/runtime/metrics';
import { kafkaSettings } from '@helios/runtime/settings';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isAlive } from '../src/process-info.js';
import { serverPorts } from '../src/server-ports.js';
import { kafkaAbsent, whySkipped } from './absent-servers.js';
import { type HelperProcess, startHelper } from './helper-process.js';

/** One node of Apache Kafka, through what happens to it; the steps follow each other. */

const engine = fileURLToPath(new URL('../../engine/dist/main.js', import.meta.url));
const log = createLogger('test', 'fatal');
const PARTITIONS = 3;
const FIRST_START_MS = 300_000;

let folder: string;
let nodes: string;
let kafka: HelperProcess;

async function start(): Promise<void> {
  kafka = await startHelper('kafka', ['--data', folder, '--node', '1', '--nodes', nodes]);
}
const bootstrap = () => String(kafka.ready['bootstrap']);
const serverPid = () => Number(kafka.ready['pid']);
const configOf = () => loadConfig({ service: 'test', schema: kafkaSettings, env: { KAFKA_BROKERS: bootstrap() }, knownVariables: [] });

async function makeTopics(env: Record<string, string>): Promise<{ code: number | null; lines: Record<string, unknown>[] }> {
  const child = spawn(process.execPath, [engine, 'topics'], {
    env: { PATH: process.env['PATH'] ?? '', KAFKA_BROKERS: bootstrap(), KAFKA_TOPIC_PARTITIONS: String(PARTITIONS), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const lines = output.split('\n').filter((line) => line !== '');
  return { code, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

function topicsIn(lines: readonly Record<string, unknown>[]): unknown {
  return lines.find((line) => line['msg'] === 'topics are there')?.['topics'];
}

async function produce(values: readonly string[]): Promise<void> {
  const producer = EventProducer.start({
    kafka: configOf(),
    clientId: 'test',
    log,
    metrics: new Metrics('test', '0'),
    messageTimeoutMs: 15_000,
    onFatal: (error) => {
      throw error;
    },
  });
  const events = values.map((value) => ({ key: value, value: Buffer.from(value), headers: undefined }));
  try {
    await producer.sendAll('bid_requests', events, AbortSignal.timeout(60_000));
  } finally {
    await producer.close(5000);
  }
}

/** Everything on the topic, by a group of its own. */
async function consume(groupId: string, count: number): Promise<string[]> {
  const seen: string[] = [];
  const consumer = await BatchConsumer.start({
    kafka: configOf(),
    groupId,
    topic: 'bid_requests',
    batchMaxMessages: 100,
    maxBatchesInFlight: 1,
    lingerMs: 0,
    handle: async (batch: readonly ConsumedMessage[]) => {
      for (const message of batch) seen.push(message.value?.toString() ?? '');
    },
    log,
    metrics: new Metrics('test', '0'),
    health: new Health(),
    fail: (error) => {
      throw error;
    },
  });
  try {
    await vi.waitFor(() => expect(seen.length).toBeGreaterThanOrEqual(count), { timeout: 60_000 });
  } finally {
    await consumer.stop();
  }
  return seen.toSorted();
}

describe.skipIf(kafkaAbsent !== undefined)(`one node of Apache Kafka${whySkipped(kafkaAbsent)}`, { timeout: 150_000 }, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'helios-kafka-'));
    const [ports] = (await serverPorts(join(folder, 'ports.json'), 1, () => {})).kafka;
    nodes = JSON.stringify([{ ...ports, advertised: ports?.client }]);
    await start();
  }, FIRST_START_MS);

  afterAll(async () => {
    kafka.child.kill('SIGTERM');
    await kafka.exited;
    rmSync(folder, { recursive: true, force: true });
  });

  it('gets the four topics once, and a second time nothing changes', async () => {
    const first = await makeTopics({});
    const names = ['bid_requests', 'bid_responses', 'auction_outcomes', 'dead_letters'];
    expect(first.code).toBe(0);
    expect(topicsIn(first.lines)).toEqual(names.map((topic) => ({ topic, created: true, partitions: PARTITIONS, replication: 1 })));
    const second = await makeTopics({});
    expect(second.code).toBe(0);
    expect(topicsIn(second.lines)).toEqual(names.map((topic) => ({ topic, created: false, partitions: PARTITIONS, replication: 1 })));
    expect(second.lines.filter((line) => line['level'] === 'warn')).toEqual([]);
  });

  it('tells that its topics have fewer partitions than the configuration asks for', async () => {
    const { code, lines } = await makeTopics({ KAFKA_TOPIC_PARTITIONS: '5' });
    expect(code).toBe(0);
    const warnings = lines.filter((line) => line['level'] === 'warn');
    expect(warnings).toHaveLength(4);
    expect(warnings[0]).toMatchObject({ topic: 'bid_requests', differences: ['it has 3 partitions, not 5'] });
  });

  it('refuses a topic that it cannot have, with exit code 1', async () => {
    const env = { KAFKA_TOPIC_BID_REQUESTS: 'copied', KAFKA_TOPIC_REPLICATION: '2', KAFKA_TOPIC_WAIT_MS: '500' };
    expect(await makeTopics(env)).toMatchObject({ code: 1 });
  });

  it('keeps what it acknowledged when it is killed, and starts again on it', async () => {
    const values = Array.from({ length: 200 }, (_, index) => `event-${index}`).toSorted();
    await produce(values);
    expect(await consume('before', values.length)).toEqual(values);
    const killed = serverPid();
    process.kill(killed, 'SIGKILL');
    expect(await kafka.exited).toBe(1);
    await start();
    expect(serverPid()).not.toBe(killed);
    expect(await consume('after', values.length)).toEqual(values);
  });

  it('stops when the process that holds its standard input is gone, and leaves nothing behind', async () => {
    const pid = serverPid();
    expect(readFileSync(join(folder, 'node-1/pid'), 'utf8').trim()).toBe(String(pid));
    kafka.child.stdin?.destroy();
    expect(await kafka.exited).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });
});

it('refuses nodes that are none, with exit code 2', async () => {
  await expect(startHelper('kafka', ['--data', folder, '--node', '1', '--nodes', '[]'])).rejects.toThrow(/exited with 2: kafka: --nodes/);
});
