import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Health } from '@helios/runtime/admin-server';
import { BatchConsumer } from '@helios/runtime/kafka/consumer';
import { Metrics } from '@helios/runtime/metrics';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from '../../profile-svc/test/redis-server.js';
import { TestAuthority } from '../../runtime/test/certificates.js';
import { kafkaProgram } from '../src/kafka-program.js';
import { type KafkaServer, startKafka } from '../src/kafka-server.js';
import { kafkaConfigOf, TopicReader } from '../src/topic-reader.js';
import { kafkaAbsent, whySkipped } from './absent-servers.js';

/** A real Apache Kafka that takes TLS with a SCRAM user, and TLS alone on another port: what managed ones ask for. */

type Env = Record<string, string>;

const root = fileURLToPath(new URL('../..', import.meta.url));
const FIRST_START_MS = 300_000;
const user = { name: 'helios', password: 'correct-horse-battery' };

let folder: string;
let authority: TestAuthority;
let stranger: TestAuthority;
let kafka: KafkaServer;
/** How a service reaches the listener with SASL, and the one without. */
let sasl: Env;
let tlsOnly: Env;
const engines: Engine[] = [];

/** A role of the engine as a process, with its log lines and what it says on standard error. */
class Engine {
  readonly exit: Promise<number | null>;
  stderr = '';
  #stdout = '';
  readonly child: ChildProcess;

  constructor(role: 'ingest' | 'topics', env: Env) {
    this.child = spawn(process.execPath, [join(root, 'engine/dist/main.js'), role], {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (chunk) => (this.#stdout += String(chunk)));
    this.child.stderr?.on('data', (chunk) => (this.stderr += String(chunk)));
    this.exit = new Promise((resolve) => this.child.once('close', resolve));
    engines.push(this);
  }

  get lines(): Record<string, unknown>[] {
    const whole = this.#stdout.split('\n').slice(0, -1);
    return whole.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  fault(): unknown {
    return this.lines.find((line) => line['code'] === 'BROKER_UNREACHABLE')?.['err'];
  }
}

async function startIngest(env: Env): Promise<{ ingest: Engine; post: (body: string) => Promise<Response> }> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const ingest = new Engine('ingest', { ...env, INGEST_PORT: String(port), ADMIN_PORT: String(adminPort) });
  return { ingest, post: (body) => fetch(`http://127.0.0.1:${port}/bid`, { method: 'POST', body, signal: AbortSignal.timeout(10_000) }) };
}

/** A consumer as bidder, auction and writer have it, with what it got and what it logged. */
async function startConsumer(env: Env): Promise<{ consumer: BatchConsumer; values: string[]; logged: Record<string, unknown>[] }> {
  const values: string[] = [];
  const logged: Record<string, unknown>[] = [];
  const consumer = await BatchConsumer.start({
    kafka: kafkaConfigOf(env),
    groupId: `secured-${env['KAFKA_SECURITY_PROTOCOL']}`,
    topic: 'bid_requests',
    batchMaxMessages: 10,
    maxBatchesInFlight: 1,
    lingerMs: 0,
    handle: async (batch) => void values.push(...batch.map(({ value }) => String(value))),
    log: pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>) }),
    metrics: new Metrics('test', '0'),
    health: new Health(),
    fail: (error) => {
      throw error;
    },
  });
  return { consumer, values, logged };
}

/** What a client may have wrong, and what it must be told. */
const faults: readonly (readonly [string, () => Env, RegExp])[] = [
  ['a wrong password', () => ({ KAFKA_SASL_PASSWORD: 'wrong' }), /invalid credentials.*Check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME/],
  ['a mechanism that the broker does not have', () => ({ KAFKA_SASL_MECHANISM: 'PLAIN' }), /SASL PLAIN.*Check KAFKA_SASL_MECHANISM/],
  ['another authority', () => ({ KAFKA_SSL_CA_LOCATION: stranger.certificate }), /verify failed.*Check KAFKA_SSL_CA_LOCATION/],
  ["the system's authorities only", () => ({ KAFKA_SSL_CA_LOCATION: '' }), /verify failed.*Check KAFKA_SSL_CA_LOCATION/],
  [
    'a name that the certificate does not have',
    () => ({ KAFKA_BROKERS: String(sasl['KAFKA_BROKERS']).replace('127.0.0.1', 'localhost') }),
    /verify failed.*KAFKA_BROKERS has the names of the certificates/,
  ],
  ['no TLS', () => ({ KAFKA_SECURITY_PROTOCOL: 'plaintext', KAFKA_SSL_CA_LOCATION: '' }), /Check KAFKA_SECURITY_PROTOCOL/],
];

describe.skipIf(kafkaAbsent !== undefined)(`Kafka over TLS, with SCRAM${whySkipped(kafkaAbsent)}`, { timeout: 60_000 }, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'helios-secured-kafka-'));
    authority = new TestAuthority();
    stranger = new TestAuthority('An authority of somebody else');
    const [client, tls, direct, controller] = [await freePort(), await freePort(), await freePort(), await freePort()];
    const forClients = `CLIENT://127.0.0.1:${client},TLS://127.0.0.1:${tls},DIRECT://127.0.0.1:${direct}`;
    kafka = await startKafka({
      ...(await kafkaProgram(root)),
      clusterFolder: folder,
      nodes: [{ client, advertised: client, direct, controller }],
      nodeId: 1,
      logFolder: null,
      properties: {
        listeners: `${forClients},CONTROLLER://127.0.0.1:${controller}`,
        'advertised.listeners': forClients,
        'listener.security.protocol.map': 'CLIENT:SASL_SSL,TLS:SSL,DIRECT:PLAINTEXT,CONTROLLER:PLAINTEXT',
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.location': authority.issue('IP:127.0.0.1').both,
        'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
        'listener.name.client.scram-sha-512.sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      },
      scramUsers: { [user.name]: user.password },
    });
    await kafka.serving;
    sasl = {
      KAFKA_BROKERS: `127.0.0.1:${client}`,
      KAFKA_SECURITY_PROTOCOL: 'sasl_ssl',
      KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
      KAFKA_SASL_USERNAME: user.name,
      KAFKA_SASL_PASSWORD: user.password,
      KAFKA_SSL_CA_LOCATION: authority.certificate,
      KAFKA_TOPIC_PARTITIONS: '2',
    };
    tlsOnly = { KAFKA_BROKERS: `127.0.0.1:${tls}`, KAFKA_SECURITY_PROTOCOL: 'ssl', KAFKA_SSL_CA_LOCATION: authority.certificate };
    const topics = new Engine('topics', sasl);
    expect([await topics.exit, topics.stderr]).toEqual([0, '']);
  }, FIRST_START_MS);

  afterEach(async () => {
    for (const { child } of engines) child.kill('SIGKILL');
    await Promise.all(engines.splice(0).map(({ exit }) => exit));
  });
  afterAll(async () => {
    await kafka.stop();
    authority.remove();
    stranger.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it('takes a bid from POST /bid to consumers and tools, by either listener', async () => {
    const { ingest, post } = await startIngest({ ...sasl, INGEST_ACK_TIMEOUT_MS: '6000' });
    const body = '{"id":"over-tls","ad_slots":[{"id":"top","w":300,"h":250}]}';
    await vi.waitFor(() => expect(ingest.lines.map(({ msg }) => msg)).toContain('producer connected'), { timeout: 20_000 });
    const answer = await post(body);
    expect([answer.status, await answer.json()]).toEqual([202, { status: 'accepted', id: 'over-tls' }]);
    for (const env of [sasl, tlsOnly]) {
      const { consumer, values } = await startConsumer(env);
      await vi.waitFor(() => expect(values).toEqual([body]), { timeout: 20_000 });
      await consumer.stop();
      const reader = await TopicReader.open(kafkaConfigOf(env));
      const read: string[] = [];
      await reader.read('bid_requests', null, ({ value }) => read.push(String(value)));
      expect(read).toEqual([body]);
      await reader.close();
    }
    ingest.child.kill('SIGTERM');
    expect(await ingest.exit).toBe(0);
    expect(ingest.fault()).toBeUndefined();
  });

  it('refuses what a client has wrong, and the client says so instead of waiting without a word', async () => {
    const told = await Promise.all(
      faults.map(async ([what, env]) => {
        const topics = new Engine('topics', { ...sasl, ...env(), KAFKA_TOPIC_WAIT_MS: '2500' });
        return [what, await topics.exit, topics.stderr] as const;
      }),
    );
    for (const [index, [what, code, stderr]] of told.entries()) {
      expect([what, code]).toEqual([what, 1]);
      expect(stderr, what).toMatch(/^Gave up waiting for the brokers to answer: /);
      expect(stderr, what).toMatch(faults[index]?.[2] ?? /^$/);
      expect(stderr, what).not.toContain(user.password);
    }
  });

  it.each([0, 2, 4])('lets ingest answer 503 and never 202, and a consumer wait (%#)', async (index) => {
    const [what, env, why] = faults[index] as (typeof faults)[number];
    const { ingest, post } = await startIngest({ ...sasl, ...env() });
    const { consumer, logged } = await startConsumer({ ...sasl, ...env() });
    await vi.waitFor(() => expect(ingest.fault(), what).toMatch(why), { timeout: 20_000 });
    for (const id of ['first', 'second']) expect((await post(`{"id":"${id}","ad_slots":[{"id":"top"}]}`)).status).toBe(503);
    await vi.waitFor(() => expect(logged.find(({ code }) => code === 'BROKER_UNREACHABLE')?.['err'], what).toMatch(why), {
      timeout: 20_000,
    });
    await consumer.stop();
    ingest.child.kill('SIGTERM');
    expect(await ingest.exit).toBe(0);
  });

  it.each(['ingest', 'topics'] as const)('does not let %s start on a certificate authority that cannot be read', async (role) => {
    const started = new Engine(role, { ...sasl, KAFKA_SSL_CA_LOCATION: '/nowhere/ca.pem', ADMIN_PORT: String(await freePort()) });
    expect(await started.exit).toBe(78);
    expect(started.stderr).toContain('KAFKA_SSL_CA_LOCATION cannot be read');
  });
});
