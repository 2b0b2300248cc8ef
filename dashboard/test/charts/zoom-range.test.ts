import { describe, expect, it } from 'vitest';
import { keyEffect } from '../../src/charts/chart-keys.js';
import { type Bins, binRange, snappedRange, zoomedIn, zoomedOut } from '../../src/charts/zoom-range.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const bins = (count: number): Bins => ({
  startsUnixMs: Array.from({ length: count }, (_, index) => index * MINUTE_MS),
  intervalMs: MINUTE_MS,
});
const minutes = (since: number, until: number) => ({ sinceUnixMs: since * MINUTE_MS, untilUnixMs: until * MINUTE_MS });

describe('zooming into a chart', () => {
  it.each([
    [2.5, 5.5, minutes(2, 6)],
    [5.5, 2.5, minutes(2, 6)],
    [2, 6, minutes(2, 6)],
    [-3, 4.5, minutes(0, 5)],
    [7.2, 99, minutes(7, 10)],
  ])('snaps a drag from minute %d to %d outwards to whole bins', (from, to, expected) => {
    expect(snappedRange(bins(10), from * MINUTE_MS, to * MINUTE_MS)).toEqual(expected);
  });

  it('does nothing for a single bin, for everything, and without bins', () => {
    expect(snappedRange(bins(10), 2.1 * MINUTE_MS, 2.9 * MINUTE_MS)).toBeNull();
    expect(binRange(bins(10), 0, 9)).toBeNull();
    expect(snappedRange(bins(0), 0, 1)).toBeNull();
    expect(zoomedIn(bins(0), null)).toBeNull();
    expect(zoomedIn(bins(2), 1)).toBeNull();
  });

  it('keeps the edges of days that are 23 hours long', () => {
    const days: Bins = { startsUnixMs: [0, DAY_MS, 2 * DAY_MS - 3_600_000, 3 * DAY_MS - 3_600_000], intervalMs: DAY_MS };
    expect(binRange(days, 1, 2)).toEqual({ sinceUnixMs: DAY_MS, untilUnixMs: 3 * DAY_MS - 3_600_000 });
    expect(binRange(days, 3, 1)).toEqual({ sinceUnixMs: DAY_MS, untilUnixMs: 4 * DAY_MS - 3_600_000 });
  });

  it('halves the bins: the newest ones, or those around the cursor as far as there are any', () => {
    expect(zoomedIn(bins(10), null)).toEqual(minutes(5, 10));
    expect(zoomedIn(bins(10), 4)).toEqual(minutes(2, 7));
    expect(zoomedIn(bins(10), 0)).toEqual(minutes(0, 5));
    expect(zoomedIn(bins(10), 9)).toEqual(minutes(5, 10));
  });
});

describe('zooming out of a chart', () => {
  it('doubles the range around its middle', () => {
    expect(zoomedOut(minutes(10, 20), MINUTE_MS, 100 * MINUTE_MS)).toEqual(minutes(5, 25));
  });

  it('does not go into the future', () => {
    expect(zoomedOut(minutes(10, 20), MINUTE_MS, 20.5 * MINUTE_MS)).toEqual(minutes(1, 21));
    expect(zoomedOut(minutes(10, 20), MINUTE_MS, 15 * MINUTE_MS)).toEqual(minutes(0, 20));
  });

  it('ends at the 400 days that the API answers', () => {
    const range = { sinceUnixMs: 0, untilUnixMs: 300 * DAY_MS };
    const wider = zoomedOut(range, DAY_MS, 300 * DAY_MS);
    expect(wider).toEqual({ sinceUnixMs: -100 * DAY_MS, untilUnixMs: 300 * DAY_MS });
    expect(wider === null ? undefined : zoomedOut(wider, DAY_MS, 300 * DAY_MS)).toBeNull();
  });
});

describe('the keys of a chart', () => {
  const nowhere = { index: null, anchor: null };
  const moved = (index: number | null, anchor: number | null = null) => ({ kind: 'move', cursor: { index, anchor } });

  it.each([
    ['ArrowLeft', nowhere, moved(9)],
    ['ArrowLeft', { index: 4, anchor: null }, moved(3)],
    ['ArrowRight', { index: 9, anchor: null }, moved(9)],
    ['PageUp', { index: 4, anchor: null }, moved(0)],
    ['Home', nowhere, moved(0)],
    ['End', { index: 4, anchor: 2 }, moved(9)],
    ['Escape', { index: 4, anchor: 2 }, moved(null)],
    ['Escape', nowhere, { kind: 'none' }],
    ['Enter', { index: 4, anchor: 2 }, { kind: 'zoom' }],
    ['Enter', { index: 4, anchor: null }, { kind: 'none' }],
    ['x', { index: 4, anchor: null }, { kind: 'none' }],
  ])('%s at %j does %j', (key, cursor, effect) => {
    expect(keyEffect(key, false, cursor, 10)).toEqual(effect);
  });

  it('mark from where the cursor was while Shift is held', () => {
    expect(keyEffect('ArrowLeft', true, { index: 4, anchor: null }, 10)).toEqual(moved(3, 4));
    expect(keyEffect('ArrowLeft', true, { index: 3, anchor: 4 }, 10)).toEqual(moved(2, 4));
  });

  it('do nothing without bins', () => {
    expect(keyEffect('ArrowLeft', false, nowhere, 0)).toEqual({ kind: 'none' });
  });
});
