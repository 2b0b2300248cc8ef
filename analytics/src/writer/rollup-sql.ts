import { binSql, dimensionSql, latencyEdgesMs, latencySql, sumColumns, sumSql, totalColumns } from '../rollup-columns.js';

/**
 * The rollups as SQL over the rows that an insert returned. What they mean stands in the migration that makes their tables.
 * Every upsert goes through its keys in order, so that two writers lock rollup rows in the same order.
 */

/** Counts the rows of the relation `source` (test bids left out) into `outcome_minutes`; returns the minutes it counted in. */
export function minutesUpsert(source: string): string {
  const values = [
    ...sumSql,
    `count(*) filter (where enriched)`,
    `count(latency_ms)`,
    `coalesce(sum(latency_ms), 0)`,
    ...latencyEdgesMs.map((edgeMs) => `count(*) filter (where latency_ms <= ${edgeMs})`),
  ];
  return `insert into outcome_minutes (minute, ${totalColumns.join(', ')})
    select ${binSql('1 minute', '"timestamp"')}, ${values.join(', ')}
    from (select *, ${latencySql} as latency_ms from ${source}) as timed
    where not test group by 1 order by 1
    on conflict (minute) do update set ${addUp('outcome_minutes', totalColumns)}
    returning minute`;
}

/** Counts the rows of the relation `source` (test bids left out) into `outcome_hours`, once per dimension. */
export function hoursUpsert(source: string): string {
  const values = Object.entries(dimensionSql).map(([dimension, value]) => `('${dimension}', ${value})`);
  return `insert into outcome_hours (dimension, hour, value, ${sumColumns.join(', ')})
    select dimension, ${binSql('1 hour', '"timestamp"')}, value, ${sumSql.join(', ')}
    from ${source} cross join lateral (values ${values.join(', ')}) as by_dimension (dimension, value)
    where not test group by 1, 2, 3 order by 1, 2, 3
    on conflict (dimension, hour, value) do update set ${addUp('outcome_hours', sumColumns)}`;
}

/**
 * Takes the mark of being folded from the days of the minutes in the relation `minutes`: their folded sums hold no longer.
 * Source: docs/adr/0010-folded-days.md.
 */
export function daysUnfold(minutes: string): string {
  // The array makes it one look-up by key per day, in order; as good as always there is nothing to delete.
  return `delete from outcome_day_totals
    where day = any (array(select distinct ${binSql('24 hours', 'minute')} from ${minutes} order by 1))`;
}

function addUp(table: string, columns: readonly string[]): string {
  return columns.map((column) => `${column} = ${table}.${column} + excluded.${column}`).join(', ');
}
