import { describe, expect, it } from 'vitest';
import { isFilterValue, toggled, valueText } from '../src/filters.js';
import { defaultRange, pageQuery, readPageState } from '../src/page-state.js';
import { instantOf, localInputText, localInputUnixMs, overAt, rangeAt, rangeProblem } from '../src/ranges.js';

describe('the address of the page', () => {
  it.each([
    '',
    '?range=15m',
    '?range=30d&site_domain=news.example',
    '?since=2026-01-01T00%3A00%3A00Z&until=2026-01-02T00%3A00%3A00Z&enriched=false',
    '?site_domain=&interest=home+%26+garden&price_tier=0.05-to-0.10&creative_size=300x250&enriched=true',
    '?site_domain=%3Cimg+src%3Dx%3E%27%3B--',
  ])('%s is read and written unchanged', (query) => {
    const { state, notes } = readPageState(query);
    expect(notes).toEqual([]);
    expect(pageQuery(state)).toBe(query);
  });

  it('without a range shows the last hour', () => {
    expect(readPageState('?interest=sports').state).toEqual({ range: defaultRange, filters: { interest: 'sports' } });
  });

  it.each([
    ['?range=5y', /“range=5y”.*last hour/],
    ['?range=constructor', /last hour/],
    ['?since=yesterday&until=2026-01-01T00:00:00Z', /could not be used/],
    ['?since=2026-01-01T00:00:00Z', /both a start and an end/],
    ['?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z', /before the end/],
    ['?since=2020-01-02T00:00:00Z&until=2026-01-01T00:00:00Z', /400 days/],
    ['?price_tier=cheap', /price_tier=cheap/],
    ['?creative_size=big', /creative_size=big/],
    ['?enriched=1', /enriched=1/],
    ['?win_status=true', /“win_status”.*not known/],
    ['?__proto__=x', /not known/],
  ])('%s falls back, with a note', (query, note) => {
    const { state, notes } = readPageState(query);
    expect(state).toEqual({ range: defaultRange, filters: {} });
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(note);
  });

  it('takes the first of a filter that is there twice, and says so', () => {
    const { state, notes } = readPageState('?interest=a&interest=b');
    expect(state.filters).toEqual({ interest: 'a' });
    expect(notes[0]).toMatch(/more than once/);
  });

  it('shortens what it repeats of a long address', () => {
    expect(readPageState(`?${'x'.repeat(5000)}=1`).notes[0]?.length).toBeLessThan(120);
  });
});

describe('filters', () => {
  it('are set by a press and removed by a second one; another value takes the place', () => {
    expect(toggled({}, 'site_domain', '')).toEqual({ site_domain: '' });
    expect(toggled({ site_domain: '', interest: 'a' }, 'site_domain', '')).toEqual({ interest: 'a' });
    expect(toggled({ interest: 'a' }, 'interest', 'b')).toEqual({ interest: 'b' });
  });

  it('say what they mean', () => {
    expect(valueText('site_domain', '')).toBe('no site');
    expect(valueText('site_domain', 'constructor')).toBe('constructor');
    expect(valueText('creative_size', '300x250')).toBe('300×250');
    expect(valueText('price_tier', '0.10-and-up')).toBe('$0.10 and up');
    expect(isFilterValue('enriched', 'toString')).toBe(false);
  });
});

describe('ranges', () => {
  it('leaves out the bin that still fills, and keeps one that ended this instant', () => {
    const points = ['2026-11-25T20:00:00Z', '2026-11-25T20:01:00Z', '2026-11-25T20:02:00Z'].map((time) => ({ time }));
    const over = (nowUnixMs: number) => overAt(points, 60_000, nowUnixMs).map(({ time }) => time.slice(11, 16));
    expect(over(Date.parse('2026-11-25T20:02:59.999Z'))).toEqual(['20:00', '20:01']);
    expect(over(Date.parse('2026-11-25T20:03:00Z'))).toEqual(['20:00', '20:01', '20:02']);
  });

  const noon = Date.parse('2026-01-31T12:00:00Z');

  it('of a preset end with the next full minute, the same one for the whole minute', () => {
    const choice = { kind: 'preset', preset: '1h' } as const;
    expect(rangeAt(choice, noon)).toEqual({ sinceUnixMs: noon - 3_600_000, untilUnixMs: noon });
    expect(rangeAt(choice, noon + 1)).toEqual(rangeAt(choice, noon + 60_000));
  });

  it('that are absolute stand still', () => {
    const choice = { kind: 'absolute', sinceUnixMs: 1, untilUnixMs: 2 } as const;
    expect(rangeAt(choice, noon)).toEqual({ sinceUnixMs: 1, untilUnixMs: 2 });
  });

  it('have a start before their end, and 400 days at most', () => {
    expect(rangeProblem({ sinceUnixMs: 0, untilUnixMs: 0 })).toMatch(/before/);
    expect(rangeProblem({ sinceUnixMs: 0, untilUnixMs: 400 * 86_400_000 })).toBeNull();
    expect(rangeProblem({ sinceUnixMs: 0, untilUnixMs: 400 * 86_400_000 + 1 })).toMatch(/400 days/);
    expect(rangeProblem({ sinceUnixMs: Number.NaN, untilUnixMs: 1 })).toMatch(/both/);
  });

  it('are read from instants with a zone only', () => {
    expect(instantOf('2026-01-31T13:00:00+01:00')).toBe(noon);
    expect(instantOf('2026-01-31T12:00Z')).toBe(noon);
    for (const text of ['', '2026-01-31', '2026-01-31T12:00:00', '1769860800', 'now']) expect(instantOf(text)).toBeNaN();
  });

  it('go into the form’s fields and back', () => {
    expect(localInputUnixMs(localInputText(noon))).toBe(noon);
    expect(localInputUnixMs('')).toBeNaN();
  });
});
