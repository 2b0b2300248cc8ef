import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { K6Sample } from './judge.js';
import { figureLimits, type GateForm, K6_RATE_PER_SECOND } from './limits.js';

/** k6 as the gate uses it: the committed script, its steady scenario only. */

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** Exit code of a run whose thresholds were crossed: the figures are there all the same, and the judge looks at them. */
const EXIT_THRESHOLDS_CROSSED = 99;

/** The path of the k6 to use, or null when there is none; `scripts/install-k6` decides. */
export function findK6(): string | null {
  const found = spawnSync(join(root, 'scripts/install-k6'), ['--path'], { encoding: 'utf8' });
  return found.status === 0 ? found.stdout.trim() : null;
}

/** Runs bench/k6/bid.ts against a port. @throws Error with k6's output when it did not come to a summary. */
export async function runK6(k6: string, port: number, form: GateForm, idPrefix: string): Promise<K6Sample> {
  const folder = mkdtempSync(join(tmpdir(), 'helios-gate-k6-'));
  const summaryFile = join(folder, 'summary.json');
  const settings = {
    BID_URL: `http://127.0.0.1:${port}/bid`,
    ID_PREFIX: idPrefix,
    RATE: K6_RATE_PER_SECOND,
    WARMUP_SECONDS: form.k6WarmupSeconds,
    STEADY_SECONDS: form.k6SteadySeconds,
    RAMP_SECONDS: 0,
    P99_MS: figureLimits['p99 by k6'].limit,
    SUMMARY_FILE: summaryFile,
  };
  const args = ['run', '--quiet', ...Object.entries(settings).flatMap(([name, value]) => ['-e', `${name}=${value}`])];
  try {
    const { code, output } = await run(k6, [...args, join(root, 'bench/k6/bid.ts')]);
    if (code !== 0 && code !== EXIT_THRESHOLDS_CROSSED) throw new Error(`k6 ended with exit code ${code}:\n${output}`);
    return JSON.parse(readFileSync(summaryFile, 'utf8')) as K6Sample;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(command: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(command, args, {
    // Nothing goes out: no usage report, and no extensions looked for.
    env: { ...process.env, K6_NO_USAGE_REPORT: 'true', K6_AUTO_EXTENSION_RESOLUTION: 'false' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  return { code, output };
}
