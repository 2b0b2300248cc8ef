import { describe, expect, it } from 'vitest';
import type { CheckReport } from '../../src/accounting/check.js';
import { describeCheck, findingSentences } from '../../src/accounting/findings.js';
import { account } from '../../src/accounting/identity.js';
import { lagReport } from '../../src/accounting/lag.js';
import { settled } from '../../src/accounting/settled.js';
import { nextText } from '../../src/accounting/stored-outcomes.js';
import { eventsLeft } from '../../src/drain.js';
import { letters, outcomes, posted } from './samples.js';

const group = (left: number | null) => ({ topic: 'bid_requests', groupId: 'helios-bidder', left, ends: [], tookMs: 1500 });
const sound = {
  identity: account(posted, outcomes, letters),
  lag: { checked: true, report: lagReport([group(0)]) },
  hops: {
    checked: true,
    report: { holds: true, counts: [{ topic: 'bid_requests', messages: 7, distinct: 5, duplicates: 2 }], lost: [], invented: [] },
  },
  rollups: {
    checked: true,
    report: {
      holds: true,
      minutes: { compared: 2, differing: 0, rows: [] },
      hours: { compared: 9, differing: 0, rows: [] },
      dayTotals: { compared: 0, differing: 0, rows: [] },
      days: { compared: 0, differing: 0, rows: [] },
    },
  },
} as const satisfies Omit<CheckReport, 'holds' | 'findings'>;
const described = (parts: Omit<CheckReport, 'holds' | 'findings'>) => {
  const findings = findingSentences(parts);
  return describeCheck({ ...parts, findings, holds: findings.length === 0 });
};

describe('lag', () => {
  const at = { partition: 0, committedOffset: 7, lowOffset: 2, highOffset: 10 };

  it('is what a group has not committed, from the first kept event on where it has committed nothing', () => {
    expect(eventsLeft([at, { ...at, partition: 1, committedOffset: null }])).toBe(3 + 8);
  });

  it('counts only up to the given ends, and a partition that is ahead makes up for no other', () => {
    expect(eventsLeft([at, { ...at, partition: 1 }], [9, 3])).toBe(2);
    expect(eventsLeft([at], [7])).toBe(0);
  });

  it('holds when no group has anything left, and not when the broker did not say', () => {
    expect([[0, 0], [0, 1], [null], []].map((lefts) => lagReport(lefts.map(group)).holds)).toEqual([true, false, false, false]);
  });
});

describe('the report of a check', () => {
  it('says what was counted', () => {
    expect(described(sound)).toEqual([
      'accepted: 4 requests with 6 slots = 2 outcomes + 1 without a bid + 3 in dead letters; 1 more stored of requests without a 202',
      'consumer groups: have handled everything, after 1.5 s',
      'bid_requests: 7 messages, 5 ids, 2 duplicates',
      'rollups: 2 minutes and 9 values of hours agree with the rows',
      'The accounting identity holds.',
    ]);
  });

  it('says what was not checked and why, and does not pass it', () => {
    const lines = described({
      ...sound,
      lag: { checked: false, why: 'no broker was named' },
      rollups: { checked: false, why: 'no database was named' },
    });
    expect(lines).toContain('consumer groups: not checked: no broker was named');
    expect(lines).toContain('rollups: not checked: no database was named');
    expect(lines.at(-1)).toBe('The accounting identity holds. Not checked: lag, rollups.');
  });

  it('says so when only another part of the check fails', () => {
    const lag = { checked: true, report: lagReport([group(3)]) } as const;
    expect(findingSentences({ ...sound, lag })).toEqual(['lag: group helios-bidder on bid_requests: 3 events are not handled after 1.5 s']);
    expect(described({ ...sound, lag }).at(-1)).toBe('The accounting identity holds, but the check found faults.');
    const finding = { requestId: 'a', slotId: '1', why: 'is in bid_responses, and neither in auction_outcomes nor in the dead letters' };
    const hops = { checked: true, report: { ...sound.hops.report, lost: [finding], holds: false } } as const;
    expect(findingSentences({ ...sound, hops })).toEqual([`lost on the way: a slot 1 ${finding.why}`]);
    const row = {
      at: '2026-01-01T00:00:00Z',
      dimension: 'site',
      value: 'x.example',
      differences: [{ column: 'bids', stored: '3', recomputed: '2' }],
    };
    const hours = { compared: 9, differing: 150, rows: [row] };
    const rollups = { checked: true, report: { ...sound.rollups.report, hours, holds: false } } as const;
    expect(findingSentences({ ...sound, rollups })).toEqual([
      'rollup: hour by site "x.example" 2026-01-01T00:00:00Z: bids is 3, the rows say 2',
      'rollup: and 149 more',
    ]);
    const dayTotals = { compared: 3, differing: 1, rows: [{ ...row, at: '2026-01-01T00:00:00Z', dimension: null, value: null }] };
    const folded = { checked: true, report: { ...sound.rollups.report, dayTotals, holds: false } } as const;
    expect(findingSentences({ ...sound, rollups: folded })).toEqual(['rollup: day 2026-01-01T00:00:00Z: bids is 3, its minutes say 2']);
    expect(described({ ...sound, rollups: folded })).toContain(
      'rollups: 1 of 2 minutes and 9 values of hours do not agree with the rows (and 3 folded days with these)',
    );
  });

  it('writes out the first findings of a kind and counts the rest', () => {
    const many = Array.from({ length: 30 }, (_, index) => ({
      id: `m${index}`,
      status: 202,
      slots: [{ id: '1', expectation: 'bid' as const }],
    }));
    const sentences = findingSentences({ ...sound, identity: account(many, [], []) });
    expect(sentences).toHaveLength(21);
    expect(sentences.at(-1)).toBe('missing: and 10 more');
  });
});

describe('waiting for outcomes', () => {
  const wait = async (counts: number[], options: { expected: number; quietMs?: number; limitMs?: number }) => {
    let calls = 0;
    const count = () => Promise.resolve(counts[Math.min(calls++, counts.length - 1)] ?? 0);
    await settled({ count, quietMs: 60_000, limitMs: 60_000, progress: () => {}, pollMs: 1, ...options });
    return calls;
  };

  it('ends when all are there and one more look finds no other', async () => {
    expect(await wait([1, 2, 3, 4, 4, 9], { expected: 3 })).toBe(5);
  });

  it('ends when none comes any more, and at the limit', async () => {
    expect(await wait([1], { expected: 3, quietMs: 0 })).toBe(1);
    expect(await wait([1, 2, 3], { expected: 100, limitMs: 0 })).toBe(1);
  });
});

describe('the end of a prefix', () => {
  it.each([
    ['run-', 'run.'],
    ['a\u{d7ff}', 'a\u{e000}'],
    ['a\u{10ffff}', 'b'],
    ['😀', '😁'],
    ['\u{10ffff}', null],
    ['', null],
  ])('%j is %j', (prefix, end) => {
    expect(nextText(prefix)).toBe(end);
  });
});
