/** The report of a check in sentences. Pure. */
import type { DifferingRollup, RollupAudit } from '@helios/analytics/audit/rollup-audit';
import type { CheckReport, Part } from './check.js';
import type { HopsReport } from './hops.js';
import type { AccountingReport, Finding } from './identity.js';
import { type LagReport, lagFindings } from './lag.js';

/** Findings of one kind that are written out. */
const SHOWN = 20;

type Parts = Pick<CheckReport, 'identity' | 'rollups' | 'lag' | 'hops'>;

/** What does not hold, one sentence each; of each kind the first 20 and how many more there are. Empty when all that was checked holds. */
export function findingSentences({ identity, rollups, lag, hops }: Parts): string[] {
  return [
    ...listed('missing', identity.missing),
    ...listed('unexpected', identity.unexpected),
    ...listed('more than one end', identity.duplicates),
    ...listed('dead letter', identity.deadLettersUnexpected),
    ...listed('poison', identity.poisonMissing),
    ...(lag.checked ? lagFindings(lag.report).map((text) => `lag: ${text}`) : []),
    ...(hops.checked ? [...listed('lost on the way', hops.report.lost), ...listed('from nowhere', hops.report.invented)] : []),
    ...(rollups.checked ? rollupFindings(rollups.report) : []),
  ];
}

/** The whole report: what was counted, what was not checked and why, what does not hold, and the verdict as the last line. */
export function describeCheck(report: CheckReport): string[] {
  return [
    identityLine(report.identity),
    partLine('consumer groups', report.lag, lagLine),
    ...partLines('hops', report.hops, hopLines),
    partLine('rollups', report.rollups, rollupLine),
    ...report.findings.map((finding) => `  ${finding}`),
    verdict(report),
  ];
}

function verdict(report: CheckReport): string {
  const unchecked = Object.entries({ lag: report.lag, hops: report.hops, rollups: report.rollups })
    .filter(([, part]) => !part.checked)
    .map(([name]) => name);
  const rest = unchecked.length === 0 ? '' : ` Not checked: ${unchecked.join(', ')}.`;
  if (!report.identity.holds) return `The accounting identity does NOT hold.${rest}`;
  if (!report.holds) return `The accounting identity holds, but the check found faults.${rest}`;
  return `The accounting identity holds.${rest}`;
}

function identityLine(report: AccountingReport): string {
  const { acceptedRequests, acceptedSlots, outcomes, noBids, deadLettered, storedUnconfirmed, poisonLetters } = report;
  const extra = [
    ...(storedUnconfirmed > 0 ? [`; ${storedUnconfirmed} more stored of requests without a 202`] : []),
    ...(poisonLetters > 0 ? [`; ${poisonLetters} dead letters that were planted`] : []),
  ];
  return `accepted: ${acceptedRequests} requests with ${acceptedSlots} slots = ${outcomes} outcomes + ${noBids} without a bid + ${deadLettered} in dead letters${extra.join('')}`;
}

function lagLine({ groups, holds }: LagReport): string {
  const took = Math.max(0, ...groups.map((group) => group.tookMs));
  return holds ? `have handled everything, after ${(took / 1000).toFixed(1)} s` : 'are behind';
}

function hopLines({ counts }: HopsReport): string[] {
  return counts.map(
    ({ topic, messages, distinct, duplicates }) => `${topic}: ${messages} messages, ${distinct} ids, ${duplicates} duplicates`,
  );
}

function rollupLine({ minutes, hours, dayTotals, days }: RollupAudit): string {
  const differing = [minutes, hours, dayTotals, days].reduce((sum, table) => sum + table.differing, 0);
  const folded = dayTotals.compared + days.compared === 0 ? '' : ` (and ${dayTotals.compared} folded days with these)`;
  const compared = `${minutes.compared} minutes and ${hours.compared} values of hours`;
  return differing === 0 ? `${compared} agree with the rows${folded}` : `${differing} of ${compared} do not agree with the rows${folded}`;
}

function partLine<Report>(name: string, part: Part<Report>, line: (report: Report) => string): string {
  return `${name}: ${part.checked ? line(part.report) : `not checked: ${part.why}`}`;
}

function partLines<Report>(name: string, part: Part<Report>, lines: (report: Report) => string[]): string[] {
  return part.checked ? lines(part.report) : [`${name}: not checked: ${part.why}`];
}

function listed(kind: string, findings: readonly Finding[]): string[] {
  const lines = findings.slice(0, SHOWN).map(({ requestId, slotId, why }) => `${kind}: ${requestId} slot ${slotId || '(all)'} ${why}`);
  return findings.length > SHOWN ? [...lines, `${kind}: and ${findings.length - SHOWN} more`] : lines;
}

function rollupFindings({ minutes, hours, dayTotals, days }: RollupAudit): string[] {
  const tables = [
    ['minute', minutes, 'the rows say'],
    ['hour', hours, 'the rows say'],
    ['day', dayTotals, 'its minutes say'],
    ['day', days, 'its hours say'],
  ] as const;
  return tables.flatMap(([kind, { rows, differing }, source]) => {
    const lines = rows.slice(0, SHOWN).map((row) => rollupSentence(kind, row, source));
    return differing > lines.length ? [...lines, `rollup: and ${differing - lines.length} more`] : lines;
  });
}

function rollupSentence(kind: string, { at, dimension, value, differences }: DifferingRollup, source: string): string {
  const what = differences.map(
    ({ column, stored, recomputed }) => `${column} is ${stored ?? 'absent'}, ${source} ${recomputed ?? 'absent'}`,
  );
  return `rollup: ${kind}${dimension === null ? '' : ` by ${dimension} ${JSON.stringify(value)}`} ${at}: ${what.join('; ')}`;
}
