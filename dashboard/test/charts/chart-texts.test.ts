import { describe, expect, it } from 'vitest';
import { type ChartKind, chartKinds, isolatedIndexes } from '../../src/charts/chart-kinds.js';
import { chartTable } from '../../src/charts/chart-rows.js';
import { chartSummary, trendWord } from '../../src/charts/chart-summary.js';
import { binNames, priceText, shareText, tickNames, usdText } from '../../src/charts/number-text.js';
import { noBids, timePoint } from './points.js';

const MINUTE_MS = 60_000;
const startUnixMs = Date.parse('2026-01-31T23:00:00Z');
const at = (minute: number) => startUnixMs + minute * MINUTE_MS;
const utc = binNames(MINUTE_MS, 'UTC');
const kind = (id: ChartKind['id']): ChartKind => {
  const found = chartKinds.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no chart ${id}`);
  return found;
};

describe('the summary of a chart', () => {
  it('says the latest, the lowest and the highest value with their bins, and the trend', () => {
    const points = [0.6, 0.41, 0.7, 0.75].map((win_rate, minute) => timePoint(at(minute), { win_rate }));
    expect(chartSummary(kind('win-rate'), points, utc)).toBe(
      'Win rate: latest 75.0%, lowest 41.0% (31 Jan, 23:01), highest 75.0% (31 Jan, 23:03), rising.',
    );
  });

  it('has a sentence for each series', () => {
    const points = [100, 1200, 1234].map((bids, minute) => timePoint(at(minute), { bids, wins: 7 }));
    expect(chartSummary(kind('bids-and-wins'), points, utc)).toBe(
      'Bids: latest 1,234, lowest 100 (31 Jan, 23:00), highest 1,234 (31 Jan, 23:02), rising. ' +
        'Wins: latest 7, lowest 7 (31 Jan, 23:00), highest 7 (31 Jan, 23:00), steady.',
    );
  });

  it('takes bins without a value as gaps, not as zeros', () => {
    const points = [timePoint(at(0)), timePoint(at(1), noBids)];
    expect(chartSummary(kind('prices'), points, utc)).toContain('Bid: latest $0.0500, lowest $0.0500 (31 Jan, 23:00)');
  });

  it('says when there is nothing to say', () => {
    expect(chartSummary(kind('spend'), [timePoint(at(0), noBids)], utc)).toBe('No bids in this range.');
    expect(chartSummary(kind('spend'), [], utc)).toBe('No bids in this range.');
    expect(chartSummary(kind('prices'), [timePoint(at(0), { ...noBids, bids: 1 })], utc)).toMatch(
      /^Bid: no values in this range\. Market:/,
    );
  });

  it.each([
    [[1, 2], 'too short for a trend'],
    [[1, 9, 1.05], 'steady'],
    [[1, 1, 1.2], 'rising'],
    [[3, 0, 0], 'falling'],
    [[0, 0, 1], 'rising'],
    [[0, 0, 0], 'steady'],
  ])('calls %j %s', (values, word) => {
    expect(trendWord(values)).toBe(word);
  });
});

describe('the table of a chart', () => {
  it('has a row for each bin and a column for each series, and names what is missing', () => {
    const points = [timePoint(at(0)), timePoint(at(1), noBids)];
    expect(chartTable(kind('prices'), points, utc)).toEqual({
      columns: ['Time', 'Bid', 'Market'],
      rows: [
        ['31 Jan, 23:00', '$0.0500', '$0.0400'],
        ['31 Jan, 23:01', 'none', 'none'],
      ],
    });
  });
});

describe('texts of the charts', () => {
  it('name bins in the given zone, days with their year', () => {
    expect(binNames(MINUTE_MS, 'Europe/Berlin')(at(0))).toBe('1 Feb, 00:00');
    expect(binNames(86_400_000, 'Asia/Kolkata')(at(0))).toBe('1 Feb 2026');
  });

  it('name each day once on the time axis', () => {
    const ticks = [at(0), at(30), at(60), at(90)];
    expect(tickNames('UTC')(ticks, 30 * MINUTE_MS)).toEqual(['23:00\n31 Jan', '23:30', '00:00\n1 Feb', '00:30']);
    expect(tickNames('UTC')([at(0), at(1440)], 86_400_000)).toEqual(['31 Jan', '1 Feb']);
  });

  it('keep small money visible', () => {
    expect([usdText(0), usdText(0.000312), usdText(1234.5)]).toEqual(['$0.00', '$0.00031', '$1,234.50']);
    expect([priceText(0.05), shareText(0.6123)]).toEqual(['$0.0500', '61.2%']);
  });
});

describe('lone values', () => {
  it('are those with a gap on both sides', () => {
    expect(isolatedIndexes([1, null, 2, 3, null, 4])).toEqual([0, 5]);
    expect(isolatedIndexes([null, undefined])).toEqual([]);
  });
});
