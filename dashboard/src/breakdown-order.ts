import type { Breakdown, BreakdownRow, BreakdownSort, Figures } from './stats.js';

/**
 * The order of a breakdown. By bids and spend the API ranks all values; by value, win rate and eCPM the page orders the rows it has,
 * which stay those of the last ranking. Pure.
 */

export const columns = ['value', 'bids', 'win_rate', 'spend_usd', 'ecpm'] as const;
export type Column = (typeof columns)[number];

export interface Order {
  readonly column: Column;
  readonly direction: 'ascending' | 'descending';
  /** By which the API chooses the rows. */
  readonly rank: BreakdownSort;
}

export const firstOrder: Order = { column: 'bids', direction: 'descending', rank: 'bids' };

/** After a press on a column's header: another column starts with the largest (names with A), the same one turns around. */
export function pressed(order: Order, column: Column): Order {
  const rank = column === 'bids' || column === 'spend_usd' ? column : order.rank;
  if (order.column !== column) return { column, direction: column === 'value' ? 'ascending' : 'descending', rank };
  return { column, direction: order.direction === 'ascending' ? 'descending' : 'ascending', rank };
}

/** The rows in that order; rows without the figure last, equal ones as the API ranked them. */
export function ordered(results: readonly BreakdownRow[], { column, direction }: Order): readonly BreakdownRow[] {
  const sign = direction === 'ascending' ? 1 : -1;
  return [...results].sort((a, b) => {
    if (column === 'value') return sign * a.value.localeCompare(b.value, 'en', { numeric: true });
    const left = a[column];
    const right = b[column];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    return sign * (left - right);
  });
}

/** A row's part of everything, 0..1, of bids or of spend. */
export function shareOf(row: Figures, { total }: Breakdown, rank: BreakdownSort): number {
  return total[rank] === 0 ? 0 : row[rank] / total[rank];
}
