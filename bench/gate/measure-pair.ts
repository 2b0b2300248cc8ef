import { randomBytes } from 'node:crypto';
import type { SaturationResult } from '../autocannon/saturation.js';
import { loadResult, type Slice } from '../load/load-run.js';
import { peerCpuMicros } from '../peers/peer-life.js';
import { scrape } from '../processes.js';
import { rounded } from '../result-file.js';
import type { Handlers, Saturator } from './handlers.js';
import type { CpuSample, CpuWindow, LatencySample, PairSample } from './judge.js';
import { runK6 } from './k6.js';
import { machineBetween, machineTimes } from './machine.js';
import { type GateForm, RATE_PER_SECOND, SATURATION_CONNECTIONS } from './limits.js';

/** What a run of autocannon may take beyond its own time. */
const SATURATION_GRACE_MS = 30_000;
const WARM_UP_SECONDS = { ours: 2, acked: 1 };

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
  const k6Sample = k6 !== null && hasK6Turn(form, pair) ? await runK6(k6, handlers.ours.port, form, freshPrefix('k6')) : null;
  const machine = machineBetween(began, machineTimes());
  return { machine, ours: latencySample(slices.ours), acked: latencySample(slices.acked), cpu, k6: k6Sample };
}

/** Whether k6 runs in a pair, counted from 1. */
export function hasK6Turn(form: GateForm, pair: number): boolean {
  return (pair - 1) % form.k6EveryPairs === 0;
}

/** Runs every code path of a pair for a moment, so that the first pair meets warm code: handlers take some seconds at saturation to be that. */
export async function warmUp(handlers: Handlers, form: GateForm): Promise<void> {
  for (const side of ['ours', 'acked'] as const) await slice(handlers, form, side);
  await saturate(handlers.saturator, handlers.ours.port, WARM_UP_SECONDS.ours, 'id');
  await saturate(handlers.saturator, handlers.ackedPort, WARM_UP_SECONDS.acked, 'bytes');
  await cpuSample(handlers, { ...form, saturationWindows: 1 }, true);
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

/**
 * Both ends of the CPU ratio under the same autocannon, in short windows side by side: on a shared machine the same work takes from 20 to 40 us
 * from one second to the next, by what else runs on its core, so that many quick comparisons say more than a few long ones.
 */
async function cpuSample(handlers: Handlers, form: GateForm, oursFirst: boolean): Promise<CpuSample> {
  const windows: CpuWindow[] = [];
  let failed = 0;
  let answered = 0;
  for (let window = 0; window < form.saturationWindows; window++) {
    const isOursFirst = (window % 2 === 0) === oursFirst;
    const first = isOursFirst ? await oursCpu(handlers, form) : null;
    const bareMicros = await bareCpu(handlers, form);
    const { micros, right, others } = first ?? (await oursCpu(handlers, form));
    windows.push({ oursMicros: micros, bareMicros });
    failed += others;
    answered += right + others;
  }
  return { windows, oursFailedShare: failed / Math.max(1, answered) };
}

async function oursCpu({ ours, saturator }: Handlers, form: GateForm): Promise<{ micros: number; right: number; others: number }> {
  const before = await scrape(ours.adminPort);
  const { right, others } = await saturate(saturator, ours.port, form.saturationSeconds, 'id');
  const after = await scrape(ours.adminPort);
  const seconds = after('process_cpu_seconds_total') - before('process_cpu_seconds_total');
  return { micros: rounded((seconds * 1e6) / Math.max(1, requestsOf(after) - requestsOf(before))), right, others };
}

async function bareCpu({ barePort, saturator }: Handlers, form: GateForm): Promise<number> {
  const before = await peerCpuMicros(barePort);
  const { right, others, firstOther } = await saturate(saturator, barePort, form.saturationSeconds, 'bytes');
  if (others > 0 || right === 0) throw new Error(`the bare handler gave ${right} right answers and ${others} others: ${firstOther}`);
  return rounded(((await peerCpuMicros(barePort)) - before) / right);
}

/** Requests that cost CPU: answered, whatever the answer. */
function requestsOf(metric: (name: string) => number): number {
  return metric('bid_requests_total');
}

function saturate(saturator: Saturator, port: number, seconds: number, expects: 'id' | 'bytes'): Promise<SaturationResult> {
  const order = {
    url: `http://127.0.0.1:${port}/bid`,
    connections: SATURATION_CONNECTIONS,
    seconds,
    shape: 'openrtb',
    seed: 1,
    expects,
  } as const;
  return saturator.do(order, seconds * 1000 + SATURATION_GRACE_MS);
}

function freshPrefix(what: string): string {
  return `${what}-${randomBytes(6).toString('hex')}-`;
}
