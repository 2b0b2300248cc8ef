import type { AuctionOutcome } from '@helios/proto/events';
import { latencyEdgesMs } from '../../src/rollup-columns.js';

/** Statistics counted from the events themselves, in whole micros: what the API must say. */

export type Predicate = (event: AuctionOutcome) => boolean;

/** A filter of each dimension, as a parameter, with what it means. */
export const predicates: Readonly<Record<string, Predicate>> = {
  'site_domain=news.example': (event) => event.site_domain === 'news.example',
  'site_domain=': (event) => event.site_domain === '',
  'interest=travel': (event) => event.top_interest?.category === 'travel',
  'interest=': (event) => event.top_interest === null,
  'price_tier=under-0.05': (event) => event.bid_price < 0.05,
  'price_tier=0.05-to-0.10': (event) => event.bid_price === 0.05,
  'creative_size=300x600': (event) => event.creative.h === 600,
  'enriched=false': (event) => !event.enriched,
};

export function within(event: AuctionOutcome, since: string, until: string): boolean {
  return event.timestamp >= since && event.timestamp < until;
}

export function valueOf(event: AuctionOutcome, by: string): string {
  if (by === 'site') return event.site_domain;
  if (by === 'interest') return event.top_interest?.category ?? '';
  if (by === 'creative_size') return `${event.creative.w}x${event.creative.h}`;
  if (by === 'enriched') return String(event.enriched);
  return event.bid_price < 0.05 ? 'under-0.05' : event.bid_price < 0.1 ? '0.05-to-0.10' : '0.10-and-up';
}

const micros = (usd: number): number => Math.round(usd * 1e6);

export function figures(rows: readonly AuctionOutcome[]) {
  const wins = rows.filter((event) => event.win_status);
  const paid = wins.reduce((sum, event) => sum + micros(event.win_price), 0);
  const offered = rows.reduce((sum, event) => sum + micros(event.bid_price), 0);
  const clearing = wins.length === 0 ? null : Math.round(paid / wins.length) / 1e6;
  return {
    bids: rows.length,
    wins: wins.length,
    win_rate: rows.length === 0 ? null : wins.length / rows.length,
    spend_usd: paid / 1e9,
    avg_bid_price: rows.length === 0 ? null : Math.round(offered / rows.length) / 1e6,
    avg_clearing_price: clearing,
    ecpm: clearing,
  };
}

export function groups(rows: readonly AuctionOutcome[], by: string) {
  const values = [...new Set(rows.map((event) => valueOf(event, by)))];
  return values.map((value) => ({ value, ...figures(rows.filter((event) => valueOf(event, by) === value)) }));
}

/** Latencies that fall on and between the edges, some beyond the last, some not known. */
export function latencyMsOf(index: number): number | null {
  return index % 5 === 0 ? null : ([3, 5, 6, 17, 30, 31, 44, 480, 501, 70_000][index % 10] ?? 0) + (index % 3);
}

/** Count, median and 99th percentile by PromQL's rule, written down once more: the bucket by its outcomes, the place in it by rank. */
export function latenciesMs(rows: readonly AuctionOutcome[], latencyOf: ReadonlyMap<string, number | null>) {
  const known = rows.flatMap((event) => latencyOf.get(event.bid_id) ?? []);
  const upTo = (edgeMs: number) => known.filter((ms) => ms <= edgeMs).length;
  const quantile = (q: number) => {
    const rank = q * known.length;
    const at = latencyEdgesMs.findIndex((edgeMs) => upTo(edgeMs) >= rank);
    if (at === -1) return latencyEdgesMs.at(-1);
    const [lowMs, highMs] = [at === 0 ? 0 : (latencyEdgesMs[at - 1] ?? 0), latencyEdgesMs[at] ?? 0];
    const below = at === 0 ? 0 : upTo(lowMs);
    return Math.round((lowMs + ((highMs - lowMs) * (rank - below)) / (upTo(highMs) - below)) * 1000) / 1000;
  };
  return { count: known.length, p50_ms: quantile(0.5), p99_ms: quantile(0.99) };
}

/** The hour and the day that the wall clock of `zone` shows, with its offset: 02:00 comes twice when clocks go back. */
export function localHour(instant: string, zone: string): string {
  return localPart(instant, zone, {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'longOffset',
  });
}

export function localDay(instant: string, zone: string): string {
  return localPart(instant, zone, { year: 'numeric', month: '2-digit', day: '2-digit' });
}

function localPart(instant: string, zone: string, shown: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...shown }).format(new Date(instant));
}
