import { describe, expect, it } from 'vitest';
import type { Cursor } from '../../src/api/cursor.js';
import { filterParameters, pageQuery, toPage } from '../../src/api/outcomes-query.js';

const cursor: Cursor = { direction: 'older', timestamp: '2026-01-01T00:00:00.000001Z', bidId: 'a:1' };
const positionOf = (bidId: string) => ({ timestamp: cursor.timestamp, bidId });

describe('pageQuery', () => {
  it('puts values into parameters, never into the text, and never skips by OFFSET', () => {
    const hostile = "'; drop table auction_outcomes; --";
    const { statement, values } = pageQuery(
      { site_domain: hostile, user_id: hostile, win_status: true, since: cursor.timestamp },
      cursor,
      10,
    );
    expect(statement.text).not.toContain('drop table');
    expect(statement.text).not.toMatch(/offset/i);
    expect(statement.text).toMatch(/limit 11$/);
    expect(values).toEqual([true, hostile, hostile, cursor.timestamp, cursor.timestamp, 'a:1']);
  });

  it('has one bound on the side of the cursor, so that no page walks there from the end of the range', () => {
    const [since, until] = ['2025-12-01T00:00:00Z', '2026-02-01T00:00:00+01:00'];
    const older = pageQuery({ since, until }, cursor, 10);
    expect(older.values).toEqual([since, cursor.timestamp, 'a:1']);
    const newer = pageQuery({ since, until }, { ...cursor, direction: 'newer' }, 10);
    expect(newer.values).toEqual([until, cursor.timestamp, 'a:1']);
  });

  it('keeps a bound that the cursor does not imply: within its millisecond, or beyond it', () => {
    for (const until of ['2026-01-01T00:00:00.0000005Z', '2026-01-01T00:00:00Z', '2025-12-31T00:00:00Z'])
      expect(pageQuery({ until }, cursor, 10).values).toEqual([until, cursor.timestamp, 'a:1']);
    for (const since of ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'])
      expect(pageQuery({ since }, { ...cursor, direction: 'newer' }, 10).values).toEqual([since, cursor.timestamp, 'a:1']);
  });
});

describe('filterParameters', () => {
  it('has one order, so that equal filters make equal cursors', () => {
    expect(filterParameters({ enriched: false, site_domain: 'a', win_status: true }).toString()).toBe(
      'win_status=true&site_domain=a&enriched=false',
    );
    expect(filterParameters({ creative_size: '1x2', price_tier: 'under-0.05', interest: '', user_id: 'u' }).toString()).toBe(
      'user_id=u&interest=&price_tier=under-0.05&creative_size=1x2',
    );
  });
});

describe('toPage', () => {
  it('has no neighbours when all rows fit the first page', () => {
    expect(toPage(['c', 'b'], null, 2, positionOf)).toEqual({ rows: ['c', 'b'], older: null, newer: null, restart: false });
  });

  it('goes on from the last row shown, not from the one read ahead', () => {
    expect(toPage(['c', 'b', 'a'], null, 2, positionOf).older).toMatchObject({ direction: 'older', bidId: 'b' });
  });

  it('turns a page of newer rows newest first', () => {
    const page = toPage(['a', 'b', 'c'], { ...cursor, direction: 'newer' }, 2, positionOf);
    expect(page.rows).toEqual(['b', 'a']);
    expect(page.newer).toMatchObject({ direction: 'newer', bidId: 'b' });
    expect(page.older).toMatchObject({ direction: 'older', bidId: 'a' });
  });

  it('leads back from a page that emptied under the reader', () => {
    expect(toPage<string>([], cursor, 2, positionOf).newer).toEqual({ direction: 'newer', timestamp: cursor.timestamp, bidId: '' });
    expect(toPage<string>([], { ...cursor, direction: 'newer' }, 2, positionOf).restart).toBe(true);
  });
});
