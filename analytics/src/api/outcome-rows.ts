import { type Static, Type } from 'typebox';
import type { Position } from './cursor.js';

/** The outcome as the API shows it, and the SQL that reads it. Prices are USD CPM with at most six places; times are UTC. */

const nullable = <T extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Number>>(type: T) => Type.Union([type, Type.Null()]);
const instant = (description: string) => Type.String({ description: `${description}; ISO 8601 in UTC` });
const price = (description: string) => Type.Number({ description: `${description}; USD CPM` });

export const outcomeSchema = Type.Object({
  bid_id: Type.String({ description: 'Identity of the bid: request id (with % and : percent-encoded), a colon, slot id' }),
  bid_request_id: Type.String(),
  slot_id: Type.String(),
  user_id: nullable(Type.String()),
  site_domain: Type.String({ description: 'Domain, app bundle or screen; empty when the request names none' }),
  bid_price: price('What Helios bid'),
  floor: price('The least the seller takes'),
  auction_type: Type.Integer({ description: '1 first price, 2 second price' }),
  test: Type.Boolean({ description: 'A test bid: in no statistic' }),
  win_status: Type.Boolean(),
  win_price: price('The clearing price when won, else 0'),
  market_price: price('The best competing bid'),
  enriched: Type.Boolean({ description: "The user's profile arrived in time" }),
  top_interest: nullable(Type.String()),
  top_score: nullable(Type.Number()),
  strategy: Type.String({ description: 'Name of the pricing strategy' }),
  creative_id: Type.String(),
  creative_w: Type.Integer(),
  creative_h: Type.Integer(),
  trace_id: nullable(Type.String()),
  bid_at: instant('When the bid was made'),
  accepted_at: { ...nullable(Type.String()), description: 'When ingest took the request; ISO 8601 in UTC' },
  timestamp: instant('When the auction was decided'),
});

export type OutcomeRow = Omit<Static<typeof outcomeSchema>, 'accepted_at'> & { accepted_at: string | null };

/** In the order of JSON and CSV. */
export const outcomeColumnNames = Object.keys(outcomeSchema.properties) as readonly (keyof OutcomeRow)[];

/** The select list: decimals as doubles (six places print exactly), times as text with microseconds. */
export const outcomeColumns = outcomeColumnNames
  .map((name) => {
    if (['bid_price', 'floor', 'win_price', 'market_price'].includes(name)) return `${name}::float8 as ${name}`;
    if (['bid_at', 'accepted_at', 'timestamp'].includes(name)) return `${utcText(`"${name}"`)} as "${name}"`;
    return name;
  })
  .join(', ');

function utcText(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

/** Where a page that ends with `row` goes on: `timestamp` must still have its microseconds. */
export function positionOf(row: OutcomeRow): Position {
  return { timestamp: row.timestamp, bidId: row.bid_id };
}

/** A row for people: times lose their last three digits when these are zeros. */
export function shown(row: OutcomeRow): OutcomeRow {
  return {
    ...row,
    bid_at: short(row.bid_at),
    accepted_at: row.accepted_at === null ? null : short(row.accepted_at),
    timestamp: short(row.timestamp),
  };
}

function short(instantText: string): string {
  return instantText.endsWith('000Z') ? `${instantText.slice(0, -4)}Z` : instantText;
}
