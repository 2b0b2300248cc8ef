/**
 * `npm run observe`: a real Prometheus beside a running start, with the project's rules, until Ctrl-C. It follows the start's run file, so
 * that services which come later, or a start that is made anew, are scraped without a restart of Prometheus.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram, UsageError } from '../cli.js';
import { isFree } from '../ports.js';
import { takeLock } from '../run-lock.js';
import { graphs, graphUrl } from './links.js';
import { HELP, type ObserveOptions, readObserveOptions, readRunFacts, runningFolder } from './options.js';
import { findPrometheus, pagesUrl, startPrometheus, targetsUp } from './prometheus.js';
import { type Target, targetsFile, targetsOf } from './targets.js';

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const ownFolder = join(root, '.helios');
const rules = join(root, 'k8s/infra/prometheus-grafana/prometheus/rules/*.yml');
const FOLLOW_MS = 1000;
const FIRST_PORT = 9090;
const LAST_PORT = 9190;

await runProgram('observe', async (args) => {
  const options = readObserveOptions(args);
  if (options === null) {
    process.stdout.write(HELP);
    return 0;
  }
  return observe(options);
});

/** Runs until it is asked to stop. @returns the exit code: 0, or 1 when Prometheus ended by itself. */
async function observe(options: ObserveOptions): Promise<number> {
  findPrometheus();
  const start = startToLookAt(options);
  const folder = join(start ?? ownFolder, 'observe');
  mkdirSync(folder, { recursive: true });
  const lock = takeLock(folder);
  if ('heldBy' in lock) throw new Error(`npm run observe already runs in ${folder} (process ${lock.heldBy}).`);
  try {
    return await runIn(folder, start, options);
  } finally {
    lock.release();
  }
}

/** @returns the folder of the start, null when only named targets are looked at. @throws UsageError */
function startToLookAt({ data, targets }: ObserveOptions): string | null {
  const folders = data === undefined ? ['.', 'stack', 'stack-3-brokers'].map((name) => join(ownFolder, name)) : [data];
  const running = runningFolder(folders);
  if (running === null && (data !== undefined || targets.length === 0))
    throw new UsageError(
      `Nothing runs in ${folders.join(', ')}: start npm start or npm run stack first, or name services with --target ROLE=HOST:PORT.`,
    );
  return running;
}

async function runIn(folder: string, start: string | null, options: ObserveOptions): Promise<number> {
  const stopped = stopRequest();
  const { intervalSeconds } = options;
  const follow = followTargets(join(folder, 'targets.json'), start, options.targets);
  const port = options.port ?? (await freePort());
  const server = await startPrometheus({ folder, rules, intervalSeconds, port }, process.env['PATH']);
  const timer = setInterval(follow, FOLLOW_MS);
  try {
    const { up, all } = await targetsUp(port, (2 * intervalSeconds + 5) * 1000);
    process.stdout.write(announcement(port, await pagesUrl(port), intervalSeconds, up, all));
    const why = await Promise.race([stopped, server.ended]);
    // Ctrl-C reaches Prometheus too, and it may be the faster one to end.
    if (why === null || why === 'exit 0') return 0;
    throw new Error(`Prometheus ended by itself: ${why}.`);
  } finally {
    clearInterval(timer);
    await server.stop();
  }
}

/** Writes the file of targets now, and whenever the returned function finds that the start runs others. */
function followTargets(file: string, start: string | null, named: readonly Target[]): () => void {
  let written = '';
  const follow = () => {
    const facts = start === null ? null : readRunFacts(start);
    // A start that has ended leaves its targets: that they are down is what Prometheus should show.
    if (start !== null && facts === null && written !== '') return;
    const text = targetsFile([...(facts === null ? [] : targetsOf(facts)), ...named]);
    if (text === written) return;
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
    written = text;
  };
  follow();
  return follow;
}

async function freePort(): Promise<number> {
  for (let port = FIRST_PORT; port <= LAST_PORT; port++) if (await isFree('127.0.0.1', port)) return port;
  throw new Error(`No port from ${FIRST_PORT} to ${LAST_PORT} is free: choose one with --port.`);
}

function announcement(port: number, pages: string, intervalSeconds: number, up: number, all: number): string {
  const links = graphs(intervalSeconds).map(({ title, expr }) => `  ${title}\n    ${graphUrl(pages, expr, '15m')}`);
  return `
Prometheus runs; ${up} of ${all} services answer it, every ${intervalSeconds} s.
  targets    ${pages}/targets
  alerts     ${pages}/alerts
  rules      ${pages}/rules
Graphs:
${links.join('\n')}
Grafana: import k8s/infra/prometheus-grafana/grafana/dashboards/*.json and choose http://127.0.0.1:${port} as the data source (docs/observability.md).
Ctrl-C stops it.
`;
}

/** Resolves with null at the first request to stop. */
function stopRequest(): Promise<null> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(null));
    if (process.env['HELIOS_EXIT_WITH_PARENT'] !== '1') return;
    process.stdin.on('end', () => resolve(null));
    process.stdin.on('error', () => resolve(null));
    process.stdin.resume();
  });
}
