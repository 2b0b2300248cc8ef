import { type Static, Type } from 'typebox';
import type { Position } from './cursor.js';

/** The outcome as the API shows it, and the SQL that reads it. Prices are USD CPM with at most six places; times are UTC. */

type Text = ReturnType<typeof Type.String>;
type Decimal = ReturnType<typeof Type.Number>;
const orNull = <T extends Text | Decimal>(type: T, description: string, example: string | number) => ({
  ...Type.Union([type, Type.Null()]),
  description,
  examples: [example],
});
const text = (description: string, example: string) => Type.String({ description, examples: [example] });
const instant = (description: string, example: string) => text(`${description}; ISO 8601 in UTC`, example);
const price = (description: string, example: number) => Type.Number({ description: `${description}; USD CPM`, examples: [example] });
const whole = (description: string, example: number) => Type.Integer({ description, examples: [example] });
const flag = (description: string, example: boolean) => Type.Boolean({ description, examples: [example] });

export const outcomeSchema = Type.Object({
  bid_id: text('Identity of the bid: request id (with % and : percent-encoded), a colon, slot id', 'a1:top'),
  bid_request_id: text('Id of the bid request', 'a1'),
  slot_id: text('Id of the ad slot in the request', 'top'),
  user_id: orNull(Type.String(), 'Id of the user; null when the request names none', 'user-0000042'),
  site_domain: text('Domain, app bundle or screen; empty when the request names none', 'news.example'),
  bid_price: price('What Helios bid', 0.1),
  floor: price('The least the seller takes', 0.01),
  auction_type: whole('1 first price, 2 second price', 2),
  test: flag('A test bid: in no statistic', false),
  win_status: flag('Won or lost', true),
  win_price: price('The clearing price when won, else 0', 0.04),
  market_price: price('The best competing bid', 0.04),
  enriched: flag("The user's profile arrived in time", true),
  top_interest: orNull(Type.String(), 'The interest that set the price; null when none is known', 'sports'),
  top_score: orNull(Type.Number(), 'Its score, 0 to 1', 0.9),
  strategy: text('Name of the pricing strategy', 'interest-tiers'),
  creative_id: text('Id of the creative', 'creative-728x90'),
  creative_w: whole('Width of the creative; pixels', 728),
  creative_h: whole('Height of the creative; pixels', 90),
  trace_id: orNull(Type.String(), 'W3C trace id of the request; null when it had none', '0af7651916cd43dd8448eb211c80319c'),
  bid_at: instant('When the bid was made', '2026-01-31T12:00:10.242Z'),
  accepted_at: orNull(Type.String(), 'When ingest took the request; ISO 8601 in UTC', '2026-01-31T12:00:10.219Z'),
  timestamp: instant('When the auction was decided', '2026-01-31T12:00:10.250Z'),
});

export type OutcomeRow = Static<typeof outcomeSchema>;

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
