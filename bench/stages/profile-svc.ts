import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { quantile } from '../load/quantile.js';
import { freePort, type Measured, scrape, startService } from '../processes.js';
import { median, rounded, writeResult } from '../result-file.js';
import { startRedis } from '../servers.js';
import { KNOWN_PROFILES, MOCK_SEED, ProfileCaller } from './profile-caller.js';

/**
 * Question: how many profiles a second does one core of profile-svc answer, one a call and in batches, from memory and from Redis; and how
 * long does a batch of 100 take at a gentle constant rate?
 * Method: the real service on loopback, called by grpc-js from this process, four calls in flight (64 of one profile); one id in fifty is
 * unknown. CPU is the service's own, all threads, from its /metrics; Redis runs beside it and is not in it. Latency: a batch leaves at its
 * time whether earlier ones are answered or not, and counts from that time; calls that this process itself sent late are counted.
 * Checked: every profile of every answer, its order and its content.
 */
export type StoreName = 'memory' | 'redis';

export interface ProfileBenchOptions {
  readonly seconds: number;
  readonly samples: number;
  readonly stores: readonly StoreName[];
  readonly command: string;
}

/** Ids a call, and calls in flight. */
const SHAPES = [
  { name: 'unary', ids: 1, inFlight: 64 },
  { name: 'batch of 10', ids: 10, inFlight: 4 },
  { name: 'batch of 100', ids: 100, inFlight: 4 },
  { name: 'batch of 1000', ids: 1000, inFlight: 4 },
] as const;
const GENTLE = { ids: 100, perSecond: 100 } as const;
const LATE_MS = 2;

const root = fileURLToPath(new URL('../../..', import.meta.url));

interface Sample {
  readonly profilesPerSecondPerCore: number;
  readonly cpuMicrosPerProfile: number;
  readonly profilesPerSecond: number;
}

export async function benchProfiles(options: ProfileBenchOptions): Promise<void> {
  const stores: Record<string, object> = {};
  for (const store of options.stores) {
    const started: { stop(): Promise<void> }[] = [];
    try {
      stores[store] = await measureStore(store, started, options);
    } finally {
      for (const part of started.toReversed()) await part.stop();
    }
  }
  const path = writeResult('profile-svc', options.command, {
    question: 'profiles a second a core of profile-svc, answers checked; latency of a batch of 100 at a gentle constant rate',
    goals: { profilesPerSecondPerCore: { memory: 150_000, redis: 80_000 }, batchOf100P99Ms: 5 },
    profiles: KNOWN_PROFILES,
    unknownShare: 0.02,
    stores,
  });
  console.log(`profile-svc: ${path}`);
}

async function measureStore(store: StoreName, started: { stop(): Promise<void> }[], options: ProfileBenchOptions): Promise<object> {
  const port = await freePort();
  const env: Record<string, string> = { PROFILE_STORE: store, PROFILE_PORT: String(port), LOG_SAMPLE_RATE: '0.001' };
  if (store === 'redis') {
    const redis = await startRedis();
    started.push(redis);
    const where = { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(redis.port) };
    seed(where);
    // The bench saturates: a read that waits its turn is no fault here.
    Object.assign(env, where, { PROFILE_REDIS_TIMEOUT_MS: '5000' });
  } else Object.assign(env, { PROFILE_MOCK_COUNT: String(KNOWN_PROFILES), PROFILE_MOCK_SEED: String(MOCK_SEED) });
  const service = await startService('profile-svc/dist/main.js', [], env);
  started.push(service);
  const caller = new ProfileCaller(port);
  started.push({ stop: async () => caller.close() });

  // Most of a call is the library's, which takes thousands of them to be compiled.
  await saturate(caller, SHAPES[0], options.seconds * 2);
  const shapes: Record<string, object> = {};
  for (const shape of SHAPES) {
    await saturate(caller, shape, options.seconds / 2);
    const samples: Sample[] = [];
    for (let sample = 0; sample < options.samples; sample++) samples.push(await sampleOf(service, caller, shape, options.seconds));
    const perCore = Math.round(median(samples.map((sample) => sample.profilesPerSecondPerCore)));
    const cpuMicros = rounded(median(samples.map((sample) => sample.cpuMicrosPerProfile)));
    shapes[shape.name] = { inFlight: shape.inFlight, profilesPerSecondPerCore: perCore, cpuMicrosPerProfile: cpuMicros, samples };
    console.log(`${store}, ${shape.name}: ${perCore} profiles a second a core, ${cpuMicros} us of CPU a profile`);
  }
  const gentle = await gentleLoad(caller, options.seconds * options.samples);
  console.log(`${store}, ${GENTLE.perSecond} batches of ${GENTLE.ids} a second: p50 ${gentle.p50Ms} ms, p99 ${gentle.p99Ms} ms`);
  const rssMb = Math.round((await scrape(service.adminPort))('process_resident_memory_bytes') / 1e6);
  return { shapes, gentle: { ...GENTLE, ...gentle }, rssMb };
}

function seed(env: Readonly<Record<string, string>>): void {
  const args = ['profile-svc/dist/seed.js', '--count', String(KNOWN_PROFILES), '--seed', String(MOCK_SEED)];
  const seeded = spawnSync(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env, LOG_LEVEL: 'error' },
    stdio: 'inherit',
    timeout: 120_000,
  });
  if (seeded.status !== 0) throw new Error('the profiles could not be stored in Redis');
}

async function sampleOf(service: Measured, caller: ProfileCaller, shape: (typeof SHAPES)[number], seconds: number): Promise<Sample> {
  const before = await scrape(service.adminPort);
  const { profiles, elapsedSeconds } = await saturate(caller, shape, seconds);
  const after = await scrape(service.adminPort);
  const perProfile = ((after('process_cpu_seconds_total') - before('process_cpu_seconds_total')) * 1e6) / profiles;
  return {
    profilesPerSecondPerCore: Math.round(1e6 / perProfile),
    cpuMicrosPerProfile: rounded(perProfile),
    profilesPerSecond: Math.round(profiles / elapsedSeconds),
  };
}

/** Calls without a pause, so many in flight. @throws Error when an answer is wrong. */
async function saturate(
  caller: ProfileCaller,
  shape: { readonly ids: number; readonly inFlight: number },
  seconds: number,
): Promise<{ profiles: number; elapsedSeconds: number }> {
  const startedMonoMs = performance.now();
  const untilMonoMs = startedMonoMs + seconds * 1000;
  let profiles = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < untilMonoMs) {
      await (shape.ids === 1 ? caller.one() : caller.batch(shape.ids));
      profiles += shape.ids;
    }
  };
  await Promise.all(Array.from({ length: shape.inFlight }, lane));
  return { profiles, elapsedSeconds: (performance.now() - startedMonoMs) / 1000 };
}

/** Batches at a constant rate, each at its time. @throws Error when an answer is wrong. */
async function gentleLoad(
  caller: ProfileCaller,
  seconds: number,
): Promise<{ calls: number; p50Ms: number; p99Ms: number; maxMs: number; sentLate: number }> {
  const calls = Math.max(1, Math.round(seconds * GENTLE.perSecond));
  const latenciesMs = new Float64Array(calls);
  const answers: Promise<void>[] = [];
  const startedMonoMs = performance.now();
  let sentLate = 0;
  for (let n = 0; n < calls; n++) {
    const dueMonoMs = startedMonoMs + (n * 1000) / GENTLE.perSecond;
    // The timer is coarse: it is set a little short, and the rest is waited for turn by turn.
    const waitMs = dueMonoMs - performance.now() - 1;
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    while (performance.now() < dueMonoMs) await new Promise((resolve) => setImmediate(resolve));
    if (performance.now() - dueMonoMs > LATE_MS) sentLate++;
    answers.push(
      caller.batch(GENTLE.ids, () => {
        latenciesMs[n] = performance.now() - dueMonoMs;
      }),
    );
  }
  await Promise.all(answers);
  latenciesMs.sort();
  const at = (share: number): number => rounded(quantile(latenciesMs, share));
  return { calls, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), sentLate };
}
