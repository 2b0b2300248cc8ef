import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findJava, kafkaJars } from '../../src/kafka-jars.js';
import { configMapData, workloadsOf } from '../../src/manifests/documents.js';
import { kafkaAbsent, redisAbsent, whySkipped } from '../absent-servers.js';
import { rendered, root } from './rendered.js';

/** The servers' own files, as the pods get them, on the real servers: at other addresses, and otherwise as they are. */

let folder: string;
let server: ChildProcess | undefined;
let said = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'helios-servers-'));
});

afterEach(async () => {
  const stopped = server;
  server = undefined;
  if (stopped !== undefined && stopped.exitCode === null) await new Promise((resolve) => stopped.once('exit', resolve).kill());
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

const containerOf = (name: string) => workloadsOf(rendered.k8s).find((workload) => workload.name === name)?.pod.containers[0];

function start(command: string, args: readonly string[]): void {
  said = '';
  server = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [server.stdout, server.stderr]) stream?.on('data', (chunk: Buffer) => (said += chunk.toString()));
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe.skipIf(redisAbsent !== undefined)(`Redis${whySkipped(redisAbsent)}`, () => {
  it('takes its configuration, wants the password, and refuses writes rather than forget profiles', async () => {
    const port = String(await freePort());
    const file = join(folder, 'redis.conf');
    writeFileSync(file, (configMapData(rendered.k8s, 'redis-config')?.['redis.conf'] ?? '').replace('dir /data', `dir ${folder}`));
    const args = (containerOf('redis')?.args ?? []).map((argument) =>
      argument.replace('$(REDISCLI_AUTH)', 'secret').replace('/etc/helios/redis/redis.conf', file),
    );
    start('redis-server', [...args, '--port', port, '--bind', '127.0.0.1']);
    const cli = (env: Record<string, string>, ...words: string[]): string =>
      spawnSync('redis-cli', ['-p', port, ...words], { encoding: 'utf8', env: { ...process.env, ...env } }).stdout.trim();
    await vi.waitFor(() => expect(cli({ REDISCLI_AUTH: 'secret' }, 'ping'), said).toBe('PONG'), { timeout: 10_000, interval: 100 });
    expect(cli({}, 'ping')).toContain('NOAUTH');
    expect(cli({ REDISCLI_AUTH: 'secret' }, 'config', 'get', 'maxmemory-policy')).toContain('noeviction');
    expect(cli({ REDISCLI_AUTH: 'secret' }, 'config', 'get', 'appendonly')).toContain('yes');
  });
});

describe.skipIf(kafkaAbsent !== undefined)(`Kafka${whySkipped(kafkaAbsent)}`, () => {
  it('formats its storage once, however often it is asked, starts, and says so on standard output', { timeout: 300_000 }, async () => {
    const libs = await kafkaJars(join(root, 'scripts/kafka/pom.xml'), join(root, '.helios/kafka'));
    const [client, controller] = [await freePort(), await freePort()];
    const data = configMapData(rendered.k8s, 'kafka-config') ?? {};
    const properties = (data['server.properties'] ?? '')
      .replaceAll('127.0.0.1:9093', `127.0.0.1:${controller}`)
      .replace('CLIENT://:9092', `CLIENT://127.0.0.1:${client}`)
      .replace('kafka-service.helios.svc.cluster.local:9092', `127.0.0.1:${client}`)
      .replace('/var/lib/kafka/data', folder);
    const [file, logging] = [join(folder, 'server.properties'), join(folder, 'log4j2.properties')];
    writeFileSync(file, properties);
    writeFileSync(logging, data['log4j2.properties'] ?? '');
    const java = findJava(process.env['JAVA_HOME']);
    const flags = ['-Xmx256m', '-XX:TieredStopAtLevel=1', `-Dlog4j2.configurationFile=${logging}`, '-cp', join(libs, '*')];

    const kafka = containerOf('kafka');
    const id = kafka?.env?.find(({ name }) => name === 'CLUSTER_ID')?.value ?? '';
    const [, words = ''] = /kafka-storage\.sh (.+)$/m.exec(kafka?.args?.[0] ?? '') ?? [];
    const format = words.replace('"$CLUSTER_ID"', id).replace('/etc/helios/kafka/server.properties', file).split(' ');
    for (const time of ['first', 'second']) {
      const { status, stdout, stderr } = spawnSync(java, [...flags, 'kafka.tools.StorageTool', ...format], { encoding: 'utf8' });
      expect(status, `${time}: ${stdout}${stderr}`).toBe(0);
    }

    start(java, [...flags, 'kafka.Kafka', file]);
    await vi.waitFor(() => expect(said).toContain('Kafka Server started'), { timeout: 120_000, interval: 200 });
    expect(said).not.toMatch(/ (?:ERROR|FATAL) /);
    const ended = new Promise<number | null>((resolve) => server?.once('exit', resolve));
    server?.kill();
    // 128 and the signal's number, as the JVM ends when it is asked to.
    expect(await ended).toBe(143);
  });
});
