import { Readable } from 'node:stream';
import { databaseFault } from '../fault-class.js';
import type { DatabaseState } from '../database-state.js';
import type { Database } from '../db.js';
import type { ApiMetrics } from './api-metrics.js';
import type { Cursor } from './cursor.js';
import { csvHeader, csvLines } from './csv.js';
import { outcomeColumnNames, type OutcomeRow, positionOf, shown } from './outcome-rows.js';
import { type OutcomeFilters, pageQuery } from './outcomes-query.js';
import { RequestProblem, unavailable } from './problem.js';

/**
 * Outcomes of a whole range as CSV, in constant memory: page after page by keyset, the next one read when the client has taken the last.
 * States of an export: reading <-> offering -> ended (complete, or cut off). It is cut off when the client leaves or takes nothing for
 * `stallMs`, when the database fails, and when the server stops; the connection breaks then, so nobody takes a part for the whole.
 */

/** Rows a page: about 100 KB of CSV, 5 ms to make. Each page is a statement of its own, under the statement timeout. */
export const EXPORT_PAGE_ROWS = 500;

export interface ExportLimits {
  /** Exports at once; beyond it 503. */
  readonly exportsMax: number;
  /** Longest time that a client may leave an offered page untaken. */
  readonly stallMs: number;
}

export class OutcomeExports {
  readonly #database: Database;
  readonly #state: DatabaseState;
  readonly #metrics: ApiMetrics;
  readonly #limits: ExportLimits;
  readonly #running = new Set<Readable>();
  #opening = 0;

  constructor(database: Database, state: DatabaseState, metrics: ApiMetrics, limits: ExportLimits) {
    this.#database = database;
    this.#state = state;
    this.#metrics = metrics;
    this.#limits = limits;
    metrics.watchExports({ running: () => this.#running.size + this.#opening, max: limits.exportsMax });
  }

  /**
   * Begins an export of at most `rowsMax` rows, newest first; resolves when its first page is read.
   * Rejects with a RequestProblem (503) when too many run, or with the fault of the first statement.
   */
  async open(filters: OutcomeFilters, rowsMax: number): Promise<Readable> {
    if (this.#running.size + this.#opening >= this.#limits.exportsMax) {
      this.#metrics.exports.refused++;
      throw new RequestProblem(unavailable('Too many exports run at once. Try again when one has ended.'));
    }
    this.#opening++;
    try {
      const pages = outcomePages(this.#database, filters, rowsMax);
      const first = await pages.next();
      this.#state.succeeded();
      return this.#stream(first, pages);
    } finally {
      this.#opening--;
    }
  }

  /** Cuts off what runs: the process is about to end. */
  stop(): void {
    for (const stream of this.#running) stream.destroy(new Error('The server stops.'));
  }

  #stream(first: IteratorResult<OutcomeRow[], void>, pages: AsyncGenerator<OutcomeRow[], void>): Readable {
    let stall: NodeJS.Timeout | undefined;
    const lines = csvPages(first, pages, {
      offered: () => {
        stall = setTimeout(() => stream.destroy(new Error('The client takes nothing.')), this.#limits.stallMs);
      },
      taken: () => clearTimeout(stall),
    });
    // One page waits in the stream, and one in the socket: what a slow client costs.
    const stream = Readable.from(lines, { highWaterMark: 1 });
    this.#running.add(stream);
    stream.once('error', (error) => {
      const fault = databaseFault(error);
      if (fault.faultClass === 'outage') this.#state.failed(fault);
    });
    stream.once('close', () => {
      clearTimeout(stall);
      this.#running.delete(stream);
      this.#metrics.exports[stream.readableEnded ? 'complete' : 'cut_off']++;
    });
    return stream;
  }
}

/** Pages of at most `EXPORT_PAGE_ROWS` outcomes, newest first, `rowsMax` in all; what is stored after the first page is not among them. */
async function* outcomePages(database: Database, filters: OutcomeFilters, rowsMax: number): AsyncGenerator<OutcomeRow[], void> {
  let cursor: Cursor | null = null;
  for (let left = rowsMax; left > 0;) {
    const limit = Math.min(left, EXPORT_PAGE_ROWS);
    const { statement, values } = pageQuery(filters, cursor, limit);
    const read: OutcomeRow[] = await database.query<OutcomeRow>(statement, values);
    const rows = read.slice(0, limit);
    const oldest = rows.at(-1);
    if (oldest === undefined) return;
    cursor = { direction: 'older', ...positionOf(oldest) };
    left -= rows.length;
    yield rows;
    if (read.length <= limit) return;
  }
}

async function* csvPages(
  first: IteratorResult<OutcomeRow[], void>,
  pages: AsyncGenerator<OutcomeRow[], void>,
  client: { offered(): void; taken(): void },
): AsyncGenerator<string, void> {
  try {
    let text = csvHeader(outcomeColumnNames);
    for (let page = first; page.done !== true; page = await pages.next()) {
      text += csvLines(page.value.map(shown), outcomeColumnNames);
      client.offered();
      yield text;
      client.taken();
      text = '';
    }
    if (text !== '') yield text;
  } finally {
    await pages.return();
  }
}
