import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type KafkaProgram, startKafka } from './kafka-server.js';
import { madeOnce } from './made-once.js';
import { freePort } from './ports.js';

/**
 * The classes of a Kafka node as the Java machine has them in memory once it serves, in a file that later nodes map in place of reading and
 * checking 10,000 classes: a start takes 1.7 s in place of 3.1 s, with half the processor time. Source: JEP 350, dynamic CDS archives.
 */

type Program = Omit<KafkaProgram, 'classArchive'>;

/**
 * The archive for this Java machine, which a node of its own, on free ports and with data that is thrown away, makes first when it is not
 * there (about 10 s, once); any number of processes may ask at once, one of them does it.
 * @returns null when none could be made, which is said on standard error: nodes start without it, only slower.
 */
export async function kafkaClassArchive(program: Program): Promise<string | null> {
  const cacheFolder = dirname(program.libsFolder);
  const version = spawnSync(program.java, ['-version'], { encoding: 'utf8' }).stderr;
  const file = join(cacheFolder, `classes-${createHash('sha256').update(version).digest('hex').slice(0, 8)}.jsa`);
  try {
    await madeOnce(file, cacheFolder, () => record(program, file));
  } catch (error) {
    process.stderr.write(`kafka: nodes start without an archive of classes: ${error instanceof Error ? error.message : String(error)}\n`);
    return null;
  }
  return file;
}

/** Writes the archive under another name and renames it: one that was cut short is never taken for a whole one. */
async function record(program: Program, file: string): Promise<void> {
  process.stderr.write('kafka: making an archive of the classes of a node, for quicker starts (once) ...\n');
  const startedMonoMs = performance.now();
  const partial = `${file}.partial`;
  const folder = mkdtempSync(join(tmpdir(), 'helios-kafka-classes-'));
  rmSync(partial, { force: true });
  try {
    const [client, direct, controller] = [await freePort(), await freePort(), await freePort()];
    const node = { client, advertised: client, direct, controller };
    const server = await startKafka({
      ...program,
      clusterFolder: folder,
      nodes: [node],
      nodeId: 1,
      logFolder: null,
      classArchive: { file: partial, record: true },
    });
    // Whoever is told to end meanwhile must not leave it behind.
    const killed = () => process.kill(server.pid, 'SIGKILL');
    process.once('exit', killed);
    try {
      await server.serving;
    } finally {
      await server.stop();
      process.off('exit', killed);
    }
    renameSync(partial, file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  process.stderr.write(`kafka: made in ${((performance.now() - startedMonoMs) / 1000).toFixed(1)} s\n`);
}
