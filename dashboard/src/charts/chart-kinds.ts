import type { TimePoint } from '../stats.js';
import { countText, countTick, priceText, shareText, shareTick, usdText, usdTick } from './number-text.js';

/** The four charts: what each draws of a point, and how it writes it. */

export interface SeriesKind {
  readonly label: string;
  /** The value of a bin; null where there is none, which is a gap. */
  readonly pick: (point: TimePoint) => number | null;
  /** Custom property that holds its colour. */
  readonly colour: `--series-${1 | 2 | 3 | 4}`;
  /** Tells series of one chart apart without colour. */
  readonly mark: 'line' | 'dashed' | 'area' | 'steps';
}

export interface ChartKind {
  readonly id: 'win-rate' | 'bids-and-wins' | 'spend' | 'prices';
  readonly title: string;
  /** What the numbers are, for the heading. */
  readonly unit: string;
  readonly series: readonly [SeriesKind, ...SeriesKind[]];
  readonly text: (value: number) => string;
  readonly tick: (value: number) => string;
  /** Top of the value axis where it is fixed; null: by the data. The bottom is always 0. */
  readonly top: number | null;
}

export const chartKinds: readonly ChartKind[] = [
  {
    id: 'win-rate',
    title: 'Win rate',
    unit: 'wins / bids',
    series: [{ label: 'Win rate', pick: (point) => point.win_rate, colour: '--series-1', mark: 'line' }],
    text: shareText,
    tick: shareTick,
    top: 1,
  },
  {
    id: 'bids-and-wins',
    title: 'Bids and wins',
    unit: 'count',
    series: [
      { label: 'Bids', pick: (point) => point.bids, colour: '--series-2', mark: 'area' },
      { label: 'Wins', pick: (point) => point.wins, colour: '--series-3', mark: 'dashed' },
    ],
    text: countText,
    tick: countTick,
    top: null,
  },
  {
    id: 'spend',
    title: 'Spend',
    unit: 'USD',
    series: [{ label: 'Spend', pick: (point) => point.spend_usd, colour: '--series-4', mark: 'steps' }],
    text: usdText,
    tick: usdTick,
    top: null,
  },
  {
    id: 'prices',
    title: 'Bid price and market price',
    unit: 'mean, USD per 1,000 impressions',
    series: [
      { label: 'Bid', pick: (point) => point.avg_bid_price, colour: '--series-1', mark: 'line' },
      { label: 'Market', pick: (point) => point.avg_market_price, colour: '--series-2', mark: 'dashed' },
    ],
    text: priceText,
    tick: usdTick,
    top: null,
  },
];

/** Values that have none beside them: a line through them would be invisible, so they are drawn as points. */
export function isolatedIndexes(values: readonly (number | null | undefined)[]): number[] {
  const known = (index: number) => values[index] !== null && values[index] !== undefined;
  return [...values.keys()].filter((index) => known(index) && !known(index - 1) && !known(index + 1));
}
