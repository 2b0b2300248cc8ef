import { readFlags, runProgram, UsageError, wholeNumber } from '@helios/scripts/cli';
import { writeResult } from '../result-file.js';
import { realIngest } from './handlers.js';
import { findK6 } from './k6.js';
import { fullForm, shortForm } from './limits.js';
import { figuresText, type GateRun, runGate } from './run-gate.js';
import { runTrials } from './trials.js';

const HELP = `Usage: npm run bench:gate -- [--short] [--kafka]
       npm run bench:gate -- --trials [--fresh] [--most N]

Judges the speed of ingest over at least five interleaved pairs: its p99 at a constant arrival rate against 25 ms and against the p99 of the
smallest handler with the same guarantee (by the open-loop sender; the absolute limit by k6 too), and its CPU microseconds a request against
those of a bare handler (by autocannon). Pass, fail, or inconclusive when the measurement was itself disturbed: then it is tried again with more
pairs, and said so loudly when it stays. Method and limits: docs/performance.md. Loopback only; ends by itself, after at most six minutes.

  --short    five pairs of shorter slices, at most 90 s
  --kafka    on one node of Apache Kafka in the place of the embedded broker
  --trials   25 runs of the short form: 5 of each planted slowness must fail, 10 of ingest as it is must pass; one that is inconclusive is
             tried again once; goes on where it ended
  --fresh    forget the trials that are done
  --most N   at most N trials now (25)

Results: bench/results/gate.json; of the trials bench/results/gate-trials.json.
Exit codes: 0 pass or inconclusive (the last line and the result file say which), 1 fail; trials: 0 when all that are done came out as they must.
k6 comes from scripts/install-k6. Without it its figure is not judged, which the last line says; with CI=true that is a failure.
`;

await runProgram('gate', async (args) => {
  const { values, positionals } = readFlags(args, {
    short: { type: 'boolean' },
    kafka: { type: 'boolean' },
    trials: { type: 'boolean' },
    fresh: { type: 'boolean' },
    most: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  });
  if (values.help === true) return say(HELP.trimEnd());
  if (positionals.length > 0) throw new UsageError(`There is no argument ${positionals[0]}.`);
  const k6 = findK6();
  if (k6 === null) {
    say('gate: k6 IS NOT THERE, so its figure is NOT JUDGED; scripts/install-k6 builds it or says how to get it');
    if (process.env['CI'] === 'true') {
      say('gate: FAIL: k6 is not there (CI=true)');
      return 1;
    }
  }
  const broker = values.kafka === true ? 'kafka' : 'embedded';
  if (values.trials === true) {
    const trialsMax = wholeNumber('--most', values.most, 25, 1, 25);
    const { done, asExpected, of } = await runTrials({ broker, k6, fresh: values.fresh === true, trialsMax, say });
    say(`\ngate trials: ${asExpected} of ${done} came out as they must${done < of ? `; ${of - done} are still to be done` : ''}`);
    return asExpected === done ? 0 : 1;
  }
  const form = values.short === true ? shortForm : fullForm;
  const run = await runGate({ form, broker, ingest: realIngest, k6, say });
  const path = writeResult('gate', `npm run bench:gate${args.length === 0 ? '' : ` -- ${args.join(' ')}`}`, run);
  say(`${figuresText(run.figures)}\n${run.pairs.length} pairs in ${run.seconds} s; ${path}`);
  say(lastLine(run));
  return run.outcome === 'fail' ? 1 : 0;
});

function lastLine({ outcome, figures, k6 }: GateRun): string {
  const without = k6 === 'ran' ? '' : ' WITHOUT k6, whose figure was NOT JUDGED';
  const named = figures.filter((verdict) => verdict.outcome === outcome).map(({ figure }) => figure);
  if (outcome === 'pass') return `gate: pass${without}`;
  if (outcome === 'fail') return `gate: FAIL: ${named.join(', ')}${without}`;
  return `gate: INCONCLUSIVE, which is no pass: ${named.join(', ')}${without}. Run it again on a quieter machine.`;
}

function say(text: string): 0 {
  console.log(text);
  return 0;
}
