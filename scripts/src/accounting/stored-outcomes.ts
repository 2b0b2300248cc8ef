import type { Database } from '@helios/analytics/db';
import { encodeBidId } from '@helios/proto/events';
import type { FoundOutcome } from './identity.js';

/** Stored outcomes straight from PostgreSQL: what the table holds, whatever the API would make of it. */

const PAGE_ROWS = 5000;

const countStatement = {
  text: `select count(*)::float8 as rows from auction_outcomes where bid_id >= $1 and ($2::text is null or bid_id < $2)`,
};
// With ties: should the table have lost its unique key, no copy of a row falls between two pages.
const pageStatement = {
  text: `select bid_id, bid_request_id, slot_id from auction_outcomes
    where bid_id > $1 and bid_id >= $2 and ($3::text is null or bid_id < $3) order by bid_id fetch first ${PAGE_ROWS} rows with ties`,
};
const strayStatement = {
  text: `select bid_request_id, slot_id from auction_outcomes
    where starts_with(bid_request_id, $1) and not (bid_id >= $2 and ($3::text is null or bid_id < $3))`,
};

/** How many rows there are of requests whose ids begin with `prefix`; '' counts all. */
export async function countStored(database: Database, prefix: string): Promise<number> {
  const [row] = await database.query<{ rows: number }>(countStatement, range(prefix));
  if (row === undefined) throw new Error('the count returned no row');
  return row.rows;
}

/**
 * All rows of requests whose ids begin with `prefix`, a page at a time; '' reads the whole table. The table has no index by request id:
 * the bid ids, which begin with it, find the rows, and one pass over the table those whose bid id does not fit their request id.
 */
export async function* storedPages(database: Database, prefix: string): AsyncGenerator<FoundOutcome[]> {
  const [first, end] = range(prefix);
  let after = '';
  for (;;) {
    const page = await database.query<{ bid_id: string; bid_request_id: string; slot_id: string }>(pageStatement, [after, first, end]);
    yield page.map((row) => ({ requestId: row.bid_request_id, slotId: row.slot_id }));
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ROWS) break;
    after = last.bid_id;
  }
  const strays = await database.query<{ bid_request_id: string; slot_id: string }>(strayStatement, [prefix, first, end]);
  yield strays.map((row) => ({ requestId: row.bid_request_id, slotId: row.slot_id }));
}

/** Bid ids from the first on and before the second (null: no end) are those of the prefix, in the order of bytes that the column has. */
function range(prefix: string): [first: string, end: string | null] {
  const first = encodeBidId(prefix, '').slice(0, -1);
  return [first, nextText(first)];
}

/** The least text that follows every text that begins with `text`, in the order of UTF-8's bytes; null when there is none. */
export function nextText(text: string): string | null {
  const points = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  for (let point = points.pop(); point !== undefined; point = points.pop()) {
    if (point === 0x10ffff) continue;
    // Half a surrogate pair is no character.
    return String.fromCodePoint(...points, point === 0xd7ff ? 0xe000 : point + 1);
  }
  return null;
}
