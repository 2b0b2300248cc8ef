import { batch, computed, type Signal, signal } from '@preact/signals';
import { breakdownPath, outcomePath, outcomesPath, summaryPath, timeSeriesPath } from './api-paths.js';
import { firstOrder, type Order } from './breakdown-order.js';
import { type FeedStanding, standingOf } from './connection.js';
import { type Fault, type FeedResponse, isRefused } from './fault.js';
import { dimensions } from './filters.js';
import { bodyWith, type Outcome, outcomesOf } from './outcome.js';
import { pageQuery, type PageState, readPageState } from './page-state.js';
import { PanelFeed } from './panel-feed.js';
import { rangeAt, type TimeRange } from './ranges.js';
import type { Breakdown, Dimension, Summary, TimeSeries } from './stats.js';

/**
 * What the page is about: range and filters, and one feed per panel that follows them. Knows no element and no browser: the address,
 * the network and the time are given to it.
 */

const STATS_INTERVAL_MS = 10_000;
const STATS_STALE_AFTER_MS = 30_000;
const OUTCOMES_INTERVAL_MS = 1000;
const OUTCOMES_STALE_AFTER_MS = 5000;
const TIMEOUT_MS = 8000;
const RETRY_MAX_MS = 10_000;

export interface DashboardOptions {
  /** Asks the API for a path; the browser's cache turns it into a conditional request. */
  readonly ask: (path: string, signal: AbortSignal) => Promise<FeedResponse>;
  readonly nowUnixMs: () => number;
  /** IANA name of the reader's zone. */
  readonly zone: string;
  /** Query of the page's address. */
  readonly query: string;
  /** Puts a new query into the address, as a step that goes back. */
  readonly push: (query: string) => void;
}

export class Dashboard {
  readonly page: Signal<PageState>;
  readonly notes: Signal<readonly string[]>;
  readonly paused = signal(false);
  readonly online = signal(true);
  readonly nowUnixMs: Signal<number>;
  readonly zone: string;

  readonly summary: PanelFeed<Summary>;
  readonly timeSeries: PanelFeed<TimeSeries>;
  readonly breakdowns: ReadonlyMap<Dimension, PanelFeed<Breakdown>>;
  readonly orders: ReadonlyMap<Dimension, Signal<Order>>;
  readonly outcomes: PanelFeed<readonly Outcome[]>;

  readonly #options: DashboardOptions;
  readonly #feeds: readonly PanelFeed<unknown>[];

  /** How the page stands to the API. */
  readonly standing = computed(() =>
    standingOf(
      this.#feeds.map((feed) => ({
        state: feed.state.value,
        fault: faultKind(feed.fault.value),
        answeredAtUnixMs: feed.answeredAtUnixMs.value,
        staleAfterMs: feed === this.outcomes ? OUTCOMES_STALE_AFTER_MS : STATS_STALE_AFTER_MS,
      })),
      { unixMs: this.nowUnixMs.value, online: this.online.value, paused: this.paused.value },
    ),
  );
  /** Whether the API ever answered, be it with a problem: if not, the page says so once, not each panel. */
  readonly reached = computed(() =>
    this.#feeds.some((feed) => feed.answeredAtUnixMs.value > 0 || (feed.fault.value !== null && feed.fault.value.status > 0)),
  );

  constructor(options: DashboardOptions) {
    this.#options = options;
    const { state, notes } = readPageState(options.query);
    this.page = signal(state);
    this.notes = signal(notes);
    this.nowUnixMs = signal(options.nowUnixMs());
    this.zone = options.zone;
    this.summary = this.#feed(() => summaryPath(this.range(), this.page.value.filters), bodyWith<Summary>('current', 'previous'));
    this.timeSeries = this.#feed(
      () => timeSeriesPath(this.range(), this.page.value.filters, options.zone),
      bodyWith<TimeSeries>('points', 'interval'),
    );
    this.orders = new Map(dimensions.map((by) => [by, signal(firstOrder)]));
    this.breakdowns = new Map(
      dimensions.map((by) => [
        by,
        this.#feed(
          () => breakdownPath(by, this.orders.get(by)?.value.rank ?? 'bids', this.range(), this.page.value.filters),
          bodyWith<Breakdown>('results', 'total'),
        ),
      ]),
    );
    this.outcomes = this.#feed(() => outcomesPath(this.range(), this.page.value.filters), outcomesOf, OUTCOMES_INTERVAL_MS);
    this.#feeds = [this.summary, this.outcomes, this.timeSeries, ...this.breakdowns.values()];
  }

  start(): void {
    for (const feed of this.#feeds) feed.start();
  }

  /** The range as it is now. */
  range(): TimeRange {
    return rangeAt(this.page.value.range, this.#options.nowUnixMs());
  }

  /** The reader chose another range or other filters. */
  go(change: Partial<PageState>): void {
    const state = { ...this.page.value, ...change };
    const query = pageQuery(state);
    if (query === pageQuery(this.page.value)) return;
    this.#options.push(query);
    this.#show(state, []);
  }

  /** The address changed under the page: back, forward. */
  read(query: string): void {
    const { state, notes } = readPageState(query);
    if (pageQuery(state) !== pageQuery(this.page.value)) this.#show(state, notes);
  }

  order(by: Dimension, order: Order): void {
    const before = this.orders.get(by);
    if (before === undefined) return;
    const ranked = order.rank !== before.value.rank;
    before.value = order;
    if (ranked) this.breakdowns.get(by)?.change();
  }

  /** What one outcome is in full; asked for once. */
  outcome(bidId: string): PanelFeed<Outcome> {
    return this.#feed(() => outcomePath(bidId), bodyWith<Outcome>('bid_id', 'timestamp'), null);
  }

  retry(): void {
    for (const feed of this.#feeds) feed.retry();
  }

  setHidden(hidden: boolean): void {
    for (const feed of this.#feeds) feed.setHidden(hidden);
  }

  setPaused(paused: boolean): void {
    this.paused.value = paused;
    for (const feed of this.#feeds) feed.setPaused(paused);
  }

  setOnline(online: boolean): void {
    this.online.value = online;
    if (online) this.retry();
  }

  #show(state: PageState, notes: readonly string[]): void {
    batch(() => {
      this.page.value = state;
      this.notes.value = notes;
      this.nowUnixMs.value = this.#options.nowUnixMs();
      for (const feed of this.#feeds) feed.change();
    });
  }

  #feed<T>(path: () => string, read: (body: unknown) => T, intervalMs: number | null = STATS_INTERVAL_MS): PanelFeed<T> {
    return new PanelFeed<T>({
      intervalMs,
      timeoutMs: TIMEOUT_MS,
      retryMaxMs: RETRY_MAX_MS,
      nowUnixMs: this.#options.nowUnixMs,
      request: (signal) => this.#options.ask(path(), signal),
      read,
    });
  }
}

function faultKind(fault: Fault | null): FeedStanding['fault'] {
  if (fault === null) return null;
  if (isRefused(fault)) return 'refused';
  return fault.status === 0 ? 'no answer' : 'fault';
}
