import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { committedTable, reliabilityTable, withTable } from '@helios/bench/faults/reliability-table';
import { type RunRecord, totalsOf } from '@helios/bench/faults/results';
import { rows } from '@helios/bench/faults/rows/index';
import { expect, it } from 'vitest';

const page = readFileSync(fileURLToPath(new URL('../../../docs/reliability.md', import.meta.url)), 'utf8');

function run(fields: Partial<RunRecord>): RunRecord {
  return {
    seed: 1,
    startedAt: '2026-01-01T00:00:00.000Z',
    seconds: 1,
    faults: 1,
    ids: 100,
    accepted: 90,
    lost: 0,
    unexpected: 0,
    duplicated: 0,
    duplicatesPerHop: {},
    recoveriesMs: [],
    figures: {},
    broken: [],
    ...fields,
  };
}

it('the table of docs/reliability.md is the one that the committed result files give (npm run faults -- --table)', () => {
  expect(withTable(page, committedTable())).toBe(page);
});

it('every row has a number of its own, and faults to inject in the long form', () => {
  expect(new Set(rows.map((row) => row.number)).size).toBe(rows.length);
  for (const row of rows) expect([row.number, row.target.full > 0, row.perRun.full > 0]).toEqual([row.number, true, true]);
});

it('totals add up runs, and name the seed of the worst recovery', () => {
  const totals = totalsOf([
    run({ seed: 1, recoveriesMs: [100, 900], duplicatesPerHop: { bid_requests: 1 } }),
    run({ seed: 2, recoveriesMs: [5000], lost: 0, duplicatesPerHop: { bid_requests: 2, bid_responses: 4 } }),
  ]);
  expect(totals).toMatchObject({
    runs: 2,
    failedRuns: 0,
    faults: 2,
    ids: 200,
    accepted: 180,
    medianRecoveryMs: 900,
    worstRecoveryMs: 5000,
    worstSeed: 2,
    duplicatesPerHop: { bid_requests: 3, bid_responses: 4 },
  });
});

it('a failed run shows in the totals, with its seed, and in the table', () => {
  const runs = [run({ seed: 1, recoveriesMs: [9000] }), run({ seed: 7, lost: 3, broken: ['three slots were lost'] })];
  const totals = totalsOf(runs);
  expect(totals).toMatchObject({ failedRuns: 1, lost: 3, worstSeed: 7 });
  const [row] = rows;
  if (row === undefined) throw new Error('there are no rows');
  const result = { ...row, row: row.number, command: '', updatedAt: '', commit: '', machine: {}, versions: {}, totals, runs };
  const line = reliabilityTable([{ row, result }]).split('\n').at(-1);
  expect(line).toContain('| 2, 1 failed | 200 | 3 | 0 |');
});

it('a row that was not run says so', () => {
  const [row] = rows;
  if (row === undefined) throw new Error('there are no rows');
  expect(reliabilityTable([{ row, result: null }])).toContain('not run yet');
});

it('a page without its marks is refused', () => {
  expect(() => withTable('no marks', 'x')).toThrow('has lost its marks');
});
