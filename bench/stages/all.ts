import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * All measurements for the record, one after the other, each in a process of its own: a few hours, for a machine that does nothing else. A
 * measurement that fails is reported at the end and does not keep the others from being made.
 */

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** What is run, the arguments of `npm run bench --`, and about how long each takes. */
export const measurements: readonly { readonly args: readonly string[]; readonly minutes: number }[] = [
  { args: ['parse'], minutes: 1 },
  { args: ['pool'], minutes: 2 },
  { args: ['ingest'], minutes: 2 },
  { args: ['ingest', '--kafka'], minutes: 2 },
  { args: ['peers'], minutes: 4 },
  { args: ['peers', '--embedded'], minutes: 4 },
  { args: ['profile-svc'], minutes: 4 },
  { args: ['bidder'], minutes: 1 },
  { args: ['bidder', '--kafka'], minutes: 2 },
  { args: ['auction'], minutes: 1 },
  { args: ['auction', '--kafka'], minutes: 2 },
  { args: ['writer'], minutes: 1 },
  { args: ['writer', '--kafka'], minutes: 2 },
  { args: ['end-to-end'], minutes: 12 },
  { args: ['scaling'], minutes: 15 },
  { args: ['writer', '--rows-before', '10000000'], minutes: 10 },
  { args: ['api'], minutes: 15 },
  { args: ['page'], minutes: 3 },
];

/** How long one may take before it counts as hung. */
const LIMIT_MS = 3 * 3_600_000;

/**
 * Runs everything, or what comes from `from` on; `extra` goes to each of them.
 * @returns the exit code: 1 when one failed.
 */
export async function benchAll(options: { readonly from: string | null; readonly extra: readonly string[] }): Promise<number> {
  const { from, extra } = options;
  const first = from === null ? 0 : measurements.findIndex(({ args }) => args.join(' ') === from);
  if (first === -1)
    throw new Error(`there is no measurement ${JSON.stringify(from)}: ${measurements.map(({ args }) => args.join(' ')).join(', ')}`);
  const failed: string[] = [];
  for (const [index, { args, minutes }] of measurements.entries()) {
    if (index < first) continue;
    const name = args.join(' ');
    console.log(`--- ${index + 1} of ${measurements.length}: ${name} (about ${minutes} min; ${new Date().toISOString()})`);
    const startedMonoMs = performance.now();
    const fault = await runOne([...args, ...extra]);
    const tookSeconds = Math.round((performance.now() - startedMonoMs) / 1000);
    console.log(`--- ${name}: ${fault ?? 'done'} after ${tookSeconds} s`);
    if (fault !== null) failed.push(`${name}: ${fault}`);
  }
  console.log(failed.length === 0 ? 'all measurements were made' : `not made:\n  ${failed.join('\n  ')}`);
  return failed.length === 0 ? 0 : 1;
}

/** Null when it ended well. Ctrl-C reaches the child too: this process waits for its orderly end and then goes. */
function runOne(args: readonly string[]): Promise<string | null> {
  const child = spawn(process.execPath, [join(root, 'scripts/run.mjs'), 'bench', ...args], { cwd: root, stdio: 'inherit' });
  return new Promise((resolve) => {
    const limit = setTimeout(() => child.kill('SIGTERM'), LIMIT_MS);
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => {
      clearTimeout(limit);
      resolve(code === 0 ? null : `ended with ${signal ?? `exit code ${code}`}`);
    });
  });
}
