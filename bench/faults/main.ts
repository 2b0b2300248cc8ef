import { randomInt } from 'node:crypto';
import { decimalNumber, readFlags, runProgram, UsageError, wholeNumber } from '@helios/scripts/cli';
import { writeReliabilityTable } from './reliability-table.js';
import { rows, rowsByNumber } from './rows/index.js';
import { runRows } from './runner.js';
import type { Stack } from './stack.js';

const HELP = `Usage: npm run faults -- [--rows 1,5,9] [--minutes N] [--seed N] [--fresh] | --ci | --list | --table

Injects faults into real processes (Kafka, Redis, PostgreSQL and every Helios service, started for it on free ports) while bids arrive, and
checks after every run that each accepted slot has exactly one end. Loopback only; needs Java 17 and Maven; ends by itself.

  --rows LIST     numbers of the rows (all)
  --minutes N     begin no run after N minutes (60)
  --runs N        at most N runs of each row now, with what one run injects (as many as its goal takes)
  --seed N        what the schedules are drawn from (random; printed)
  --fresh         forget what the rows' result files hold; without it a row goes on where it ended
  --ci            the short form: few faults a row, results in bench/.out/faults/results
  --list          the rows and how many faults each injects
  --table         only write the table of docs/reliability.md from the result files

Result files: bench/results/faults/row-NN.json. Ends with 0 when every row held and reached its number, else with 1.
`;

await runProgram('faults', async (args) => {
  const { values, positionals } = readFlags(args, {
    rows: { type: 'string' },
    minutes: { type: 'string' },
    runs: { type: 'string' },
    seed: { type: 'string' },
    fresh: { type: 'boolean' },
    ci: { type: 'boolean' },
    list: { type: 'boolean' },
    table: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  });
  if (positionals.length > 0) throw new UsageError(`There is no argument ${positionals[0]}.`);
  if (values.help === true) return say(HELP.trimEnd());
  if (values.list === true) {
    for (const row of rowsByNumber)
      say(`${String(row.number).padStart(3)}  ${row.title}: ${row.target.ci} ${row.unit}, ${row.target.full} in the long form`);
    return 0;
  }
  if (values.table === true) return say(`wrote ${writeReliabilityTable()}`);
  const ci = values.ci === true;
  const named = values.rows === undefined ? rows : values.rows.split(',').map(rowOf);
  const wanted = named.filter((row) => (ci ? row.target.ci : row.target.full) > 0);
  for (const row of named) if (!wanted.includes(row)) say(`row ${row.number}: ${row.title}: in the long form only`);
  const seed = wholeNumber('--seed', values.seed, randomInt(1_000_000), 0, 2 ** 31 - 1);
  say(`seed ${seed}`);
  const startedMonoMs = performance.now();
  const running = new Set<Stack>();
  const interrupted = () => {
    say('stopping the servers; what finished runs gave is kept');
    void Promise.allSettled([...running].map((stack) => stack.stop())).finally(() => process.exit(130));
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  const failures = await runRows({
    rows: wanted,
    ci,
    seed,
    minutesMax: decimalNumber('--minutes', values.minutes, 60, 0.1, 1440),
    runsMax: values.runs === undefined ? null : wholeNumber('--runs', values.runs, 1, 1, 10_000),
    fresh: values.fresh === true,
    command: `npm run faults -- ${args.join(' ')}`.trimEnd(),
    say,
    running,
  });
  if (!ci) writeReliabilityTable();
  const minutes = ((performance.now() - startedMonoMs) / 60_000).toFixed(1);
  if (failures.length > 0) say(`\nnot held:\n${failures.map((failure) => `  ${failure}`).join('\n')}`);
  const held = wanted.length - new Set(failures.map((failure) => failure.split(/[:,]/)[0])).size;
  say(`\nfault rows: ${held} passed, ${wanted.length - held} failed (${minutes} minutes, seed ${seed})`);
  return failures.length === 0 ? 0 : 1;
});

function rowOf(text: string): (typeof rows)[number] {
  const row = rows.find((candidate) => String(candidate.number) === text.trim());
  if (row === undefined) throw new UsageError(`There is no row ${text}; npm run faults -- --list names them.`);
  return row;
}

function say(text: string): 0 {
  console.log(text);
  return 0;
}
