import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Env, Foundation, Preparation } from '../foundation.js';
import { Pipeline } from '../pipeline.js';
import { isFree } from '../ports.js';
import { readAdmin, untilReady } from '../readiness.js';
import { realFoundation } from '../real-servers.js';
import { checkAccess } from '../replay-access.js';
import { serverPorts } from '../server-ports.js';
import type { ServiceSpec } from '../services.js';
import { readStartOptions, type StartOptions } from '../start-options.js';
import { StopRequest } from '../stop-request.js';
import { type BidFigures, checkBids, checkDashboard } from './bid-check.js';
import { confinementFaults, residentMib } from './confinement.js';
import { MountedImage, ServiceProcess } from './container.js';
import { argvIn, type ImageTarget, targetOfProgram } from './image-commands.js';
import type { BuiltStage } from './stage-builder.js';

/**
 * Proves images: runs the launcher's table of services, each from its image where that was built and from the working tree where not, on a
 * real Kafka, Redis and PostgreSQL of this machine; every service must become ready, be as confined as its image says, do its part for bids
 * that are followed to their end, and end with exit code 0 on SIGTERM.
 */

export interface ServiceFigures {
  readonly role: string;
  /** Null: it ran from the working tree. */
  readonly image: ImageTarget | null;
  readonly readyMs: number;
  readonly residentMib: number;
  readonly stopMs: number;
}

export interface Proof {
  /** As the programs in the images see them. */
  readonly versions: Readonly<Record<string, string>>;
  readonly services: readonly ServiceFigures[];
  readonly bids: BidFigures;
}

export interface ProofOptions {
  readonly images: ReadonlyMap<ImageTarget, BuiltStage>;
  /** The project's folder. */
  readonly root: string;
  /** For mounts and logs. */
  readonly store: string;
  /** For the data of the servers; empty. */
  readonly stateFolder: string;
  readonly say: (text: string) => void;
}

/** What servers and programs of the working tree need of this machine; services in images never see it. */
const HOST_VARIABLES = ['PATH', 'HOME', 'JAVA_HOME', 'TMPDIR'];
const FIRST_PORT = 31_000;
const READY_LIMIT_MS = 60_000;
const CHECK_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 10_000;

/** @throws Error with the first thing that does not hold. */
export async function proveImages(options: ProofOptions): Promise<Proof> {
  const { images, root, store, stateFolder, say } = options;
  const mounted = new Map<ImageTarget, MountedImage>();
  for (const [target, stage] of images) mounted.set(target, new MountedImage(stage, join(store, 'mounts', target)));
  const versions = versionsIn(mounted);
  say(
    `in the images: ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
  );
  const start = await startOptions(stateFolder);
  const foundation = realFoundation(start, await serverPorts(join(stateFolder, 'ports.json'), 1, say));
  const pipeline = new Pipeline(start, foundation, root, new StopRequest(), say);
  const running: RunningService[] = [];
  try {
    say('starting Apache Kafka, Redis and PostgreSQL');
    await pipeline.startServers();
    prepare(foundation, pipeline, mounted, root, say);
    say('starting the services');
    running.push(...pipeline.services.map((spec) => startService(spec, mounted, root, join(store, 'logs'))));
    const readyMs = new Map(await Promise.all(running.map(async (service) => [service, await untilServiceReady(service)] as const)));
    for (const service of running) checkConfinement(service, mounted);
    const bids = await exercise(start, join(stateFolder, 'run.json'), say);
    const memory = new Map(running.map((service) => [service, residentMib(statusOf(service))]));
    say('stopping the services');
    const services: ServiceFigures[] = [];
    for (const service of running) {
      const { stopMs } = await stopped(service);
      const { role } = service.spec;
      services.push({ role, image: service.image, readyMs: readyMs.get(service) ?? 0, residentMib: memory.get(service) ?? 0, stopMs });
    }
    return { versions, services, bids };
  } finally {
    for (const { child } of running) child.kill();
    await pipeline.stopServers();
    pipeline.killAll();
    for (const image of mounted.values()) image.close();
  }
}

interface RunningService {
  readonly spec: ServiceSpec;
  readonly image: ImageTarget | null;
  readonly child: ServiceProcess;
}

/** Migration, topics and profiles, by the programs in the images. */
function prepare(
  foundation: Foundation,
  pipeline: Pipeline,
  mounted: ReadonlyMap<ImageTarget, MountedImage>,
  root: string,
  say: (text: string) => void,
): void {
  for (const { name, args, env } of foundation.preparations(foundation.partsOf((server) => pipeline.factsOf(server)))) {
    const image = mounted.get(targetOfProgram(args));
    say(`${name}: ${args.join(' ')}${image === undefined ? ' (from the working tree)' : ''}`);
    if (image !== undefined) image.run(name, argvIn(image.config, args), imageEnv(env));
    else runInTree({ name, args, env, failure: name }, root);
  }
}

function runInTree({ name, args, env }: Preparation, root: string): void {
  const [file = '', ...rest] = args;
  const result = spawnSync(process.execPath, [join(root, file), ...rest], { env: { ...env }, encoding: 'utf8', timeout: 120_000 });
  if (result.status !== 0) throw new Error(`${name} failed (exit ${result.status ?? result.signal}):\n${result.stdout}${result.stderr}`);
}

function startService(spec: ServiceSpec, mounted: ReadonlyMap<ImageTarget, MountedImage>, root: string, logFolder: string): RunningService {
  const target = targetOfProgram(spec.args);
  const image = mounted.get(target);
  if (image !== undefined)
    return { spec, image: target, child: image.start(spec.name, argvIn(image.config, spec.args), imageEnv(spec.env), logFolder) };
  const [file = '', ...rest] = spec.args;
  const { HELIOS_EXIT_WITH_PARENT: _, ...env } = spec.env;
  return { spec, image: null, child: new ServiceProcess(spec.name, process.execPath, [join(root, file), ...rest], env, logFolder) };
}

/** The variables of a service without those of this machine; the image's own ENV comes before them. */
export function imageEnv(env: Env): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => ![...HOST_VARIABLES, 'HELIOS_EXIT_WITH_PARENT'].includes(name)));
}

/** @returns how long it took from now. @throws Error when it ends before, or is not ready in time. */
async function untilServiceReady({ spec, child }: RunningService): Promise<number> {
  const startedMonoMs = performance.now();
  const adminUrl = `http://127.0.0.1:${spec.adminPort}`;
  const ready = untilReady([{ name: spec.name, adminUrl, deaths: () => 0, said: () => '' }], READY_LIMIT_MS);
  const ended = child.ended.then((end): never => {
    throw new Error(`${spec.name} ended (${end}) before it was ready:\n${child.log.sentences()}`);
  });
  await Promise.race([ready, ended]);
  const readyMs = Math.round(performance.now() - startedMonoMs);
  const metrics = await readAdmin(`${adminUrl}/metrics`);
  if (!metrics?.text.includes('helios_build_info')) throw new Error(`${spec.name} is ready and shows no metrics.`);
  return readyMs;
}

function checkConfinement(service: RunningService, mounted: ReadonlyMap<ImageTarget, MountedImage>): void {
  if (service.image === null) return;
  const faults = confinementFaults(statusOf(service), mounted.get(service.image)?.config.user ?? '');
  if (faults.length > 0) throw new Error(`${service.spec.name} is not confined: ${faults.join('; ')}.`);
}

const statusOf = ({ child }: RunningService): string => readFileSync(`/proc/${child.pid}/status`, 'utf8');

async function exercise(start: StartOptions, runFile: string, say: (text: string) => void): Promise<BidFigures> {
  const addresses = {
    bid: `http://127.0.0.1:${start.ports.ingest}/bid`,
    api: `http://127.0.0.1:${start.ports.api}`,
    dashboard: `http://127.0.0.1:${start.ports.dashboard}`,
  };
  const access = checkAccess({ api: undefined, brokers: undefined, runFile }, {});
  if (access === null || access.kafka === null || access.database === null) throw new Error(`${runFile} does not name broker and database`);
  say('posting bid requests and following each slot to its end');
  const checked = { kafka: { config: access.kafka, start: null }, database: access.database };
  const bids = await checkBids(addresses, checked, CHECK_LIMIT_MS);
  await checkDashboard(addresses);
  say(`${bids.requests} requests with ${bids.slots} slots: ${bids.outcomes} outcomes, ${bids.enriched} of them enriched; nothing lost`);
  return bids;
}

/** @throws Error unless it ends with exit code 0, in time. */
async function stopped({ spec, child }: RunningService): Promise<{ stopMs: number }> {
  if (child.end !== null) throw new Error(`${spec.name} ended by itself (${child.end}); its log: ${child.log.path}`);
  const { end, stopMs } = await child.stop(STOP_LIMIT_MS);
  if (end !== 'exit code 0') throw new Error(`${spec.name} ended with ${end} on SIGTERM; its log: ${child.log.path}`);
  return { stopMs };
}

/** Ports that are free now, nothing of the user's environment but the way to Java and the like. */
async function startOptions(stateFolder: string): Promise<StartOptions> {
  const first = await freeRun(FIRST_PORT, 12);
  const ports = {
    INGEST_PORT: first,
    PROFILE_PORT: first + 1,
    ANALYTICS_PORT: first + 2,
    DASHBOARD_PORT: first + 3,
    ADMIN_PORT: first + 4,
  };
  const host = Object.entries(process.env).filter(([name, value]) => HOST_VARIABLES.includes(name) && value !== undefined);
  const env = {
    ...Object.fromEntries(host),
    ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)])),
    // Images say 0.0.0.0; on this machine nothing of the proof is for others.
    BIND_HOST: '127.0.0.1',
    KAFKA_TOPIC_PARTITIONS: '4',
  };
  const request = readStartOptions('stack', ['--traffic', '0', '--data', stateFolder], env, stateFolder);
  if (request.help || 'faults' in request) throw new Error(`the services refuse their environment: ${JSON.stringify(request)}`);
  return request.options;
}

/** The first port of `count` free ones in a row. */
async function freeRun(from: number, count: number): Promise<number> {
  for (let first = from, free = 0; first + free < 65_536;) {
    if (!(await isFree('127.0.0.1', first + free))) [first, free] = [first + free + 1, 0];
    else if (++free === count) return first;
  }
  throw new Error(`There are no ${count} free ports in a row from ${from} on.`);
}

/** What runs in the images: the same in all that have it. */
function versionsIn(mounted: ReadonlyMap<ImageTarget, MountedImage>): Record<string, string> {
  const versions: Record<string, string> = {};
  const program = `
    process.report.excludeNetwork = true;
    const { header } = process.report.getReport();
    const rdkafka = (() => { try { return require('node-rdkafka'); } catch { return null; } })();
    const debian = require('fs').readFileSync('/etc/debian_version', 'utf8').trim();
    const found = { node: process.version, debian, glibc: header.glibcVersionRuntime };
    if (rdkafka !== null) Object.assign(found, { librdkafka: rdkafka.librdkafkaVersion, 'librdkafka features': rdkafka.features.join(' ') });
    console.log(JSON.stringify(found));`;
  for (const [target, image] of mounted) {
    for (const [name, version] of Object.entries(JSON.parse(image.run(target, ['node', '-e', program], {})) as Record<string, string>)) {
      if (versions[name] !== undefined && versions[name] !== version)
        throw new Error(`${name} is ${version} in ${target} and ${versions[name]} in another image.`);
      versions[name] = version;
    }
  }
  return versions;
}
