import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { madeOnce } from './made-once.js';

/** The jars of the Kafka server: resolved once from the POM by Maven, kept in an ignored folder, never taken while half there. */

const JAVA_MIN_MAJOR = 17;

/** The `java` to run, from JAVA_HOME or the PATH. @throws Error that says what to install when there is none, or it is too old. */
export function findJava(javaHome: string | undefined): string {
  const java = javaHome === undefined || javaHome === '' ? 'java' : join(javaHome, 'bin', 'java');
  const result = spawnSync(java, ['-version'], { encoding: 'utf8' });
  const advice = `Kafka needs Java ${JAVA_MIN_MAJOR} or newer: install it (Debian and Ubuntu: apt-get install openjdk-${JAVA_MIN_MAJOR}-jre-headless, or run scripts/install-system --stack), or set JAVA_HOME.`;
  if (result.error !== undefined || result.status !== 0) throw new Error(`${java} does not run. ${advice}`);
  const major = javaMajor(result.stderr);
  if (major === null || major < JAVA_MIN_MAJOR) throw new Error(`${java} is Java ${major ?? 'of an unknown version'}. ${advice}`);
  return java;
}

/** The major version in the output of `java -version` (`17.0.15`, `1.8.0_392`); null when there is none. */
export function javaMajor(output: string): number | null {
  const match = /version "(?:1\.)?(\d+)/.exec(output);
  return match === null ? null : Number(match[1]);
}

/** The Kafka version that a POM names. @throws Error when it names none. */
export function kafkaVersion(pom: string): string {
  const version = /<kafka\.version>([0-9.]+)<\/kafka\.version>/.exec(pom)?.[1];
  if (version === undefined) throw new Error('the POM names no kafka.version');
  return version;
}

/**
 * The folder with the jars, which Maven fills first when it is not there; any number of processes may ask at once, one of them does it.
 * @param pomFile names the jars; another POM gets another folder.
 * @param cacheFolder made when absent; the jars are in `VERSION-HASH/libs` under it.
 * @throws Error with a sentence when Maven is absent or fails.
 */
export async function kafkaJars(pomFile: string, cacheFolder: string): Promise<string> {
  const pom = readFileSync(pomFile, 'utf8');
  const version = kafkaVersion(pom);
  const folder = join(cacheFolder, `${version}-${createHash('sha256').update(pom).digest('hex').slice(0, 8)}`);
  const libs = join(folder, 'libs');
  mkdirSync(cacheFolder, { recursive: true });
  await madeOnce(libs, cacheFolder, () => resolveInto(folder, pomFile, version));
  return libs;
}

/** Fills a folder of another name and renames it: a download that was cut short is never taken for a whole one. */
async function resolveInto(folder: string, pomFile: string, version: string): Promise<void> {
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial);
  process.stderr.write(`kafka: fetching the jars of Apache Kafka ${version} with Maven (about 60 MB, once) ...\n`);
  const startedMonoMs = performance.now();
  const args = ['--batch-mode', '--quiet', '-Dstyle.color=never', '--file', pomFile, 'dependency:copy-dependencies'];
  const options = ['-DincludeScope=runtime', `-DoutputDirectory=${join(partial, 'libs')}`];
  const child = spawn('mvn', [...args, ...options], { stdio: ['ignore', 2, 2] });
  const problem = await new Promise<string | null>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve(
        error.code === 'ENOENT'
          ? 'Maven (mvn) is not installed: it fetches the jars of Kafka. Debian and Ubuntu: apt-get install maven, or run scripts/install-system --stack.'
          : error.message,
      ),
    );
    child.once('exit', (code, signal) =>
      resolve(code === 0 ? null : `Maven could not fetch the jars of Kafka (${signal ?? `exit ${code}`}); what it said is above.`),
    );
  });
  if (problem !== null) throw new Error(problem);
  renameSync(partial, folder);
  process.stderr.write(`kafka: fetched in ${((performance.now() - startedMonoMs) / 1000).toFixed(1)} s\n`);
}
