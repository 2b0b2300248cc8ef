import { randomBytes } from 'node:crypto';
import type { SaturationResult } from '../autocannon/saturation.js';
import { loadResult, type Slice } from '../load/load-run.js';
import { peerCpuMicros } from '../peers/peer-life.js';
import { runToEnd, scrape } from '../processes.js';
import { rounded } from '../result-file.js';
import type { Handlers } from './handlers.js';
import type { CpuSample, LatencySample, PairSample } from './judge.js';
import { runK6 } from './k6.js';
import { machineBetween, machineTimes } from './machine.js';
import { type GateForm, RATE_PER_SECOND, SATURATION_CONNECTIONS } from './limits.js';

/**
 * One pair: ingest and the smallest acknowledged handler under the open-loop sender in mirrored slices (ours, theirs, theirs, ours, or the other
 * way round in every second pair), so that what changes slowly weighs on both alike; then both ends of the CPU ratio under autocannon; then
 * k6, when it has a turn.
 */
export async function measurePair(handlers: Handlers, form: GateForm, pair: number, k6: string | null): Promise<PairSample> {
  const oursFirst = pair % 2 === 1;
  const began = machineTimes();
  const slices: Record<'ours' | 'acked', Slice[]> = { ours: [], acked: [] };
  const order = oursFirst ? (['ours', 'acked', 'acked', 'ours'] as const) : (['acked', 'ours', 'ours', 'acked'] as const);
  for (const side of order) slices[side].push(await slice(handlers, form, side));
  const cpu = await cpuSample(handlers, form, oursFirst);
  const hasK6Turn = (pair - 1) % form.k6EveryPairs === 0;
  const k6Sample = k6 !== null && hasK6Turn ? await runK6(k6, handlers.ours.port, form, freshPrefix('k6')) : null;
  const machine = machineBetween(began, machineTimes());
  return { machine, ours: latencySample(slices.ours), acked: latencySample(slices.acked), cpu, k6: k6Sample };
}

/** Runs every code path of a pair for a moment, so that the first pair meets warm code. */
export async function warmUp(handlers: Handlers, form: GateForm): Promise<void> {
  const short = { ...form, sliceSeconds: 1, saturationSeconds: 1 };
  for (const side of ['ours', 'acked'] as const) await slice(handlers, short, side);
  await cpuSample(handlers, short, true);
}

function slice({ sender, ours, ackedPort }: Handlers, form: GateForm, side: 'ours' | 'acked'): Promise<Slice> {
  return sender.run({
    host: '127.0.0.1',
    port: side === 'ours' ? ours.port : ackedPort,
    path: '/bid',
    perSecond: RATE_PER_SECOND,
    warmupSeconds: form.sliceWarmupSeconds,
    seconds: form.sliceSeconds,
    connectionsMax: 256,
    spread: false,
    answerTimeoutMs: 5000,
    idPrefix: freshPrefix('gate'),
    seed: 1,
    shape: 'openrtb',
    expects: side === 'ours' ? 'id' : 'bytes',
  });
}

function latencySample(slices: readonly Slice[]): LatencySample {
  const { requests, latency, schedule, answers, wrong, firstWrong } = loadResult(slices);
  return {
    requests,
    p99Ms: latency.p99Ms,
    scheduleFault: schedule.reason,
    failed: requests - (answers['202'] ?? 0),
    wrong,
    firstWrong,
  };
}

async function cpuSample(handlers: Handlers, form: GateForm, oursFirst: boolean): Promise<CpuSample> {
  const { ours, barePort } = handlers;
  const measure = {
    ours: async () => {
      const before = await scrape(ours.adminPort);
      const { right, others } = await saturateBy(ours.port, form.saturationSeconds, 'id');
      const after = await scrape(ours.adminPort);
      const requests = requestsOf(after) - requestsOf(before);
      const seconds = after('process_cpu_seconds_total') - before('process_cpu_seconds_total');
      return { micros: rounded((seconds * 1e6) / Math.max(1, requests)), failedShare: others / Math.max(1, right + others) };
    },
    bare: async () => {
      const before = await peerCpuMicros(barePort);
      const { right, others, firstOther } = await saturateBy(barePort, form.saturationSeconds, 'bytes');
      if (others > 0 || right === 0) throw new Error(`the bare handler gave ${right} right answers and ${others} others: ${firstOther}`);
      return rounded(((await peerCpuMicros(barePort)) - before) / right);
    },
  };
  const first = oursFirst ? await measure.ours() : null;
  const bareMicros = await measure.bare();
  const { micros, failedShare } = first ?? (await measure.ours());
  return { oursMicros: micros, bareMicros, oursFailedShare: failedShare };
}

/** Requests that cost CPU: answered, whatever the answer. */
function requestsOf(metric: (name: string) => number): number {
  return metric('bid_requests_total');
}

async function saturateBy(port: number, seconds: number, expects: 'id' | 'bytes'): Promise<SaturationResult> {
  const flags = { url: `http://127.0.0.1:${port}/bid`, seconds, connections: SATURATION_CONNECTIONS, expects };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return JSON.parse(await runToEnd('bench/dist/autocannon/main.js', [...args, '--json'], {}, [0, 1])) as SaturationResult;
}

function freshPrefix(what: string): string {
  return `${what}-${randomBytes(6).toString('hex')}-`;
}
