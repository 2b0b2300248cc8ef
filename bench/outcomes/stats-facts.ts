import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadedDatabase } from './loaded-database.js';

/**
 * What the statistics over the loaded outcomes must say, counted from the rows themselves and written anew here, not taken from the rollups.
 * Counting takes a pass over all rows per dimension, so it is kept beside the data.
 */

/** The dimensions of the API, each with the SQL of a row's value. Source: spec section 2.6. */
const dimensionSql = {
  site: 'site_domain',
  interest: `coalesce(top_interest, '')`,
  price_tier: `case when bid_price >= 0.1 then '0.10-and-up' when bid_price >= 0.05 then '0.05-to-0.10' else 'under-0.05' end`,
  creative_size: `format('%sx%s', creative_w, creative_h)`,
  enriched: 'enriched::text',
} as const;

export type Dimension = keyof typeof dimensionSql;
export const dimensions = Object.keys(dimensionSql) as Dimension[];

export interface Totals {
  readonly bids: number;
  readonly wins: number;
  /** Sum of win prices / 1000. */
  readonly spend_usd: number;
}

/** What the rows of [since, until) say. */
export interface RangeFacts extends Totals {
  readonly since: string;
  readonly until: string;
  /** Every value of each dimension, most bids first. */
  readonly by: Readonly<Record<Dimension, readonly (Totals & { readonly value: string })[]>>;
}

/** The facts of the last `hours` hours of the load. */
export async function rangeFacts(loaded: LoadedDatabase, hours: number): Promise<RangeFacts> {
  const file = join(loaded.folder, `facts-${hours}h.json`);
  if (!existsSync(file)) {
    process.stderr.write(`Counting the rows of the last ${hours} h once ...\n`);
    writeFileSync(`${file}.tmp`, JSON.stringify(await counted(loaded, hours)));
    renameSync(`${file}.tmp`, file);
  }
  return JSON.parse(readFileSync(file, 'utf8')) as RangeFacts;
}

async function counted(loaded: LoadedDatabase, hours: number): Promise<RangeFacts> {
  const until = loaded.until;
  const since = new Date(Date.parse(until) - hours * 3_600_000).toISOString();
  const totals = `count(*)::float8 as bids, count(*) filter (where win_status)::float8 as wins,
    coalesce(sum(win_price) filter (where win_status), 0)::float8 / 1000 as spend_usd`;
  const rows = `from auction_outcomes where not test and "timestamp" >= $1::timestamptz and "timestamp" < $2::timestamptz`;
  const [all] = await loaded.database.query<Totals>({ text: `select ${totals} ${rows}` }, [since, until]);
  if (all === undefined) throw new Error('the count returned no row');
  const by: Partial<Record<Dimension, (Totals & { value: string })[]>> = {};
  for (const dimension of dimensions) {
    const text = `select ${dimensionSql[dimension]} as value, ${totals} ${rows} group by 1 order by 2 desc`;
    by[dimension] = await loaded.database.query({ text }, [since, until]);
  }
  return { since, until, ...all, by: by as RangeFacts['by'] };
}
