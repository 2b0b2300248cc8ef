import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../processes.js';
import { untilNoLag } from '../accounted-load.js';
import type { Row, RunContext, RunResult } from '../row.js';
import { oneBroker, serviceNames, type Stack } from '../stack.js';
import { shuffled } from './processes.js';

/** Row 27: everything is started in an order that the seed gives, with one dependency always last. */

const servers = ['kafka-1', 'redis', 'database'] as const;
const dependencies = ['kafka-1', 'redis', 'database', 'profile-svc'] as const;
const GAP_MS = { full: 200, ci: 100 };
const ABSENT_MS = { full: 1500, ci: 500 };
const READY_LIMIT_MS = 60_000;
const SOON_MS = 15_000;

export const startedInAnyOrder: Row = {
  number: 27,
  title: 'start in any order, one dependency absent at first',
  promise:
    'nothing crashes while it waits; each service is ready when it can keep its promise, and not before; no crash loop over one a second',
  unit: 'orders',
  target: { ci: 5, full: 30 },
  perRun: { ci: 5, full: 10 },
  budgetSeconds: 110,
  shape: oneBroker,
  async run(context): Promise<RunResult> {
    const broken: string[] = [];
    const recoveriesMs: number[] = [];
    for (let order = 0; order < context.faults; order++) {
      const last = dependencies[(order + context.seed) % dependencies.length] as (typeof dependencies)[number];
      broken.push(...(await startWithout(context, last, recoveriesMs)));
    }
    const load = await context.startLoad();
    await sleep(2000);
    const report = await load.settle();
    return { faults: context.faults, report, recoveriesMs, figures: {}, broken };
  },
};

/** Stops everything, starts all but `last`, looks at the readiness of each, starts `last`, and waits until all are ready. */
async function startWithout(context: RunContext, last: (typeof dependencies)[number], recoveriesMs: number[]): Promise<string[]> {
  const { stack, random, say } = context;
  await untilNoLag(stack, READY_LIMIT_MS);
  await Promise.all(serviceNames.map((name) => stack.process(name).stop()));
  await Promise.all(servers.map((name) => stack.process(name).stop()));
  stack.takeEnds();
  const order = shuffled([...servers, ...serviceNames], random).filter((name) => name !== last);
  say(`order: ${[...order, last].join(', ')}`);
  const gapMs = context.ci ? GAP_MS.ci : GAP_MS.full;
  const started = order.map(async (name, index) => {
    await sleep(index * gapMs);
    await stack.process(name).start();
  });
  await sleep(order.length * gapMs + (context.ci ? ABSENT_MS.ci : ABSENT_MS.full));
  const broken = await readinessWithout(stack, last);
  const absentUntilMonoMs = performance.now();
  await Promise.all([...started, stack.process(last).start()]);
  recoveriesMs.push(performance.now() - absentUntilMonoMs);
  for (const end of stack.takeEnds())
    broken.push(`without ${last}, ${end.name} ended by itself (${end.signal ?? `exit code ${end.code}`})`);
  return broken;
}

/** What spec section 2.7 says of each service while a dependency is absent, as sentences about what is otherwise. */
async function readinessWithout(stack: Stack, absent: string): Promise<string[]> {
  const broken: string[] = [];
  const expectReady = async (name: (typeof serviceNames)[number], ready: boolean) => {
    if (!(await soon(async () => (await stack.service(name).isReady()) === ready)))
      broken.push(`without ${absent}, ${name} is ${ready ? 'not ' : ''}ready`);
  };
  const expectAnswer = async (what: string, url: string, status: number, init: RequestInit = {}) => {
    let last = 'nothing';
    const answersSo = async () => {
      const response = await fetch(url, { ...init, signal: AbortSignal.timeout(5000) });
      await response.arrayBuffer();
      last = String(response.status);
      return response.status === status;
    };
    if (!(await soon(answersSo))) broken.push(`without ${absent}, ${what} answers ${last}, not ${status}`);
  };
  if (absent === 'kafka-1') {
    for (const name of ['ingest', 'bidder', 'auction', 'writer'] as const) await expectReady(name, false);
    const id = `absent-${randomBytes(4).toString('hex')}`;
    const body = JSON.stringify({ id, ad_slots: [{ id: '1', w: 300, h: 250 }] });
    await expectAnswer('POST /bid', `http://127.0.0.1:${stack.ingestPort}/bid`, 503, { method: 'POST', body });
  }
  // The API and profile-svc are ready whenever they can answer fast, an error included.
  if (absent !== 'profile-svc') await expectReady('profile-svc', true);
  await expectReady('api', true);
  await expectAnswer('the API', `${stack.apiUrl}/api/outcomes/?limit=1`, absent === 'database' ? 503 : 200);
  return broken;
}

/** Whether something holds within the time that a service may take to get there on a busy machine. */
async function soon(holds: () => Promise<boolean>): Promise<boolean> {
  return until(holds, SOON_MS).then(
    () => true,
    () => false,
  );
}
