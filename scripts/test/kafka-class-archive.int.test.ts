import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kafkaClassArchive } from '../src/kafka-class-archive.js';
import { kafkaProgram } from '../src/kafka-program.js';
import { type KafkaProgram, startKafka } from '../src/kafka-server.js';
import { freePort } from '../src/ports.js';
import { kafkaAbsent, whySkipped } from './absent-servers.js';

/** The classes of a Kafka node, kept in the Java machine's form for quicker starts. */

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;
let program: KafkaProgram;

describe.skipIf(kafkaAbsent !== undefined)(`the archive of Kafka's classes${whySkipped(kafkaAbsent)}`, { timeout: 300_000 }, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'helios-class-archive-'));
    program = await kafkaProgram(root);
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('stands beside the jars, whole, and is made once', async () => {
    const file = program.classArchive?.file ?? '';
    expect(dirname(file)).toBe(dirname(program.libsFolder));
    expect(statSync(file).size).toBeGreaterThan(10_000_000);
    const before = statSync(file).mtimeMs;
    expect(await kafkaClassArchive(program)).toBe(file);
    expect(statSync(file).mtimeMs).toBe(before);
  });

  it('is what a node starts on: it maps the file', async () => {
    const node = { client: await freePort(), advertised: 0, direct: await freePort(), controller: await freePort() };
    const server = await startKafka({
      ...program,
      clusterFolder: folder,
      nodes: [{ ...node, advertised: node.client }],
      nodeId: 1,
      logFolder: null,
    });
    try {
      await server.serving;
      expect(readFileSync(`/proc/${server.pid}/maps`, 'utf8')).toContain(program.classArchive?.file);
    } finally {
      await server.stop();
    }
  });

  it('gives null where none can be made, and leaves nothing half made', async () => {
    const libsFolder = join(folder, 'cache', 'libs');
    mkdirSync(dirname(libsFolder), { recursive: true });
    symlinkSync(dirname(program.loggingFile), libsFolder); // a folder without jars: the node ends at once
    expect(await kafkaClassArchive({ ...program, libsFolder })).toBeNull();
    expect(readdirSync(dirname(libsFolder)).filter((name) => name.startsWith('classes-'))).toEqual([]);
    expect(existsSync(join(dirname(libsFolder), 'lock'))).toBe(false);
  });
});
