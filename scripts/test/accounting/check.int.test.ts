import { randomBytes } from 'node:crypto';
import { encodeAuctionOutcome, encodeBidId } from '@helios/proto/events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { message, outcome } from '../../../analytics/test/outcomes.js';
import { UNKNOWN_SLOT } from '../../src/accounting/identity.js';
import { countStored, storedPages } from '../../src/accounting/stored-outcomes.js';
import { MadeRuns, REQUESTS } from './made-run.js';

/** The whole check on a real broker and a real PostgreSQL. Each fault is planted in a run that is sound otherwise. */

let runs: MadeRuns;
beforeAll(async () => {
  runs = await MadeRuns.start();
});
afterAll(() => runs.stop());

function sql(text: string, values: readonly unknown[] = []): Promise<unknown[]> {
  return runs.harness.database.query({ text }, values);
}

/** The kinds of what was found, each once. */
const kinds = (findings: readonly string[]) => [...new Set(findings.map((finding) => finding.split(':', 1)[0]))];

describe('the check of a run', () => {
  it('holds when every hop did its part, and counts what came twice', async () => {
    const report = await runs.checked((plan) => {
      plan.responses.push(...plan.responses.slice(0, 3));
    });
    expect(report).toMatchObject({
      holds: true,
      findings: [],
      identity: { acceptedRequests: REQUESTS, outcomes: REQUESTS, noBids: REQUESTS },
      lag: { checked: true, report: { holds: true } },
      rollups: { checked: true, report: { holds: true } },
      hops: {
        checked: true,
        report: {
          counts: [
            { topic: 'bid_requests', messages: REQUESTS, distinct: REQUESTS, duplicates: 0 },
            { topic: 'bid_responses', messages: REQUESTS + 3, distinct: REQUESTS, duplicates: 3 },
            { topic: 'auction_outcomes', messages: REQUESTS, distinct: REQUESTS, duplicates: 0 },
          ],
        },
      },
    });
  });

  it('finds a request that was answered 202 and never reached the broker', async () => {
    const report = await runs.checked((plan) => {
      for (const list of [plan.requests, plan.responses, plan.outcomes, plan.stored]) list.pop();
    });
    expect(kinds(report.findings)).toEqual(['missing', 'lost on the way']);
    expect(report.findings.at(-1)).toContain('not in bid_requests');
    expect(report.holds).toBe(false);
  });

  it('finds an outcome whose offset was committed and that was not written', async () => {
    const report = await runs.checked((plan) => void plan.stored.splice(4, 1));
    expect(kinds(report.findings)).toEqual(['missing', 'lost on the way']);
    expect(report.findings.at(-1)).toContain('neither stored');
  });

  it('finds a bid that the auction dropped', async () => {
    const report = await runs.checked((plan) => {
      plan.outcomes.pop();
      plan.stored.pop();
    });
    expect(report.findings.at(-1)).toContain('neither in auction_outcomes nor in the dead letters');
  });

  it('finds request ids that were cut to 64 characters on the way', async () => {
    const report = await runs.checked((plan) => {
      const id = plan.posted[0]?.id.slice(0, 64) ?? '';
      const event = outcome(0, { bid_id: encodeBidId(id, 'bid'), bid_request_id: id, slot_id: 'bid' });
      plan.check = { prefix: plan.prefix.slice(0, 64) };
      plan.outcomes[0] = { key: plan.posted[0]?.id ?? '', value: encodeAuctionOutcome(event) };
      plan.stored[0] = message(event, 0);
    });
    expect(kinds(report.findings)).toEqual(['missing', 'unexpected', 'lost on the way', 'from nowhere']);
  });

  it('finds a group that has not handled everything', async () => {
    const report = await runs.checked((plan) => {
      plan.committing = ['bidder', 'writer'];
      plan.check = { limitMs: 300 };
    });
    expect(kinds(report.findings)).toEqual(['lag']);
    expect(report.findings[0]).toMatch(/^lag: group helios-auction on bid_responses: \d+ events are not handled/);
  });

  it('accepts dead letters that were planted, exactly those', async () => {
    const planted = (prefix: string) => [
      { requestId: `${prefix}poison-1`, slotId: null },
      { requestId: `${prefix}poison-2`, slotId: UNKNOWN_SLOT },
    ];
    const poisoned = (without: number, expected: number) =>
      runs.checked((plan) => {
        const [one, two] = planted(plan.prefix).map(({ requestId }) => ({ key: requestId, value: 'no json' }));
        if (one === undefined || two === undefined) throw new Error('two were planted');
        plan.requests.push(one);
        plan.responses.push(two);
        plan.letters = [
          { ...one, sourceTopic: 'bid_requests' },
          { ...two, sourceTopic: 'bid_responses' },
        ].slice(without);
        plan.check = { poison: planted(plan.prefix).slice(expected) };
      });
    expect(await poisoned(0, 0)).toMatchObject({ holds: true, identity: { poisonLetters: 2 } });
    expect(kinds((await poisoned(1, 0)).findings)).toEqual(['poison']);
    expect(kinds((await poisoned(0, 2)).findings)).toEqual(['dead letter', 'from nowhere']);
  });

  it('finds rollups that were added up twice', async () => {
    const twice = `update outcome_minutes set win_price_sum = win_price_sum * 2, wins = wins * 2 where minute = (select max(minute) from outcome_minutes)`;
    const report = await runs.checked(undefined, async () => void (await sql(twice)));
    await sql(twice.replaceAll('* 2', '/ 2'));
    expect(kinds(report.findings)).toEqual(['rollup']);
    expect(report.identity.holds).toBe(true);
  });

  it('finds an outcome that is stored twice in a table that lost its unique key', async () => {
    const report = await runs.checked(undefined, async ({ prefix }) => {
      await sql('alter table auction_outcomes drop constraint auction_outcomes_pkey');
      await sql('insert into auction_outcomes select * from auction_outcomes where bid_id = $1', [`${prefix}7:bid`]);
    });
    await sql(
      'delete from auction_outcomes as one using auction_outcomes as other where one.bid_id = other.bid_id and one.ctid > other.ctid',
    );
    await sql('alter table auction_outcomes add primary key (bid_id)');
    expect(kinds(report.findings)).toEqual(['more than one end', 'rollup']);
  });

  it('says what it was given no access to', async () => {
    const report = await runs.checked((plan) => {
      plan.check = { kafka: undefined } as never;
    });
    expect(report).toMatchObject({ holds: true, lag: { checked: false }, hops: { checked: false }, rollups: { checked: true } });
  });

  it('refuses to pass a run of which it can read no outcomes', async () => {
    await expect(runs.checked((plan) => void (plan.check = { database: undefined } as never))).rejects.toThrow(
      'needs the API or the database',
    );
  });
});

describe('stored outcomes', () => {
  const prefix = 'stored%:ä-';
  const insert = (bidId: string, requestId: string) =>
    sql(
      `insert into auction_outcomes select made.* from (select * from auction_outcomes limit 1) as one,
        jsonb_populate_record(null::auction_outcomes, to_jsonb(one) || jsonb_build_object('bid_id', $1::text, 'bid_request_id', $2::text)) as made`,
      [bidId, requestId],
    );
  const read = async (of: string) => {
    const ids: string[] = [];
    for await (const page of storedPages(runs.harness.database, of)) ids.push(...page.map((row) => row.requestId));
    return ids.toSorted();
  };

  it('are those of the prefix, whatever characters it holds, and those whose bid id does not fit', async () => {
    const others = ['stored%:ä', 'stored%:ä.', 'stored%25:ä-'];
    for (const id of [`${prefix}1`, `${prefix}\u{10ffff}2`, ...others]) await insert(encodeBidId(id, 's'), id);
    await insert('somewhere-else:s', `${prefix}3`);
    expect(await read(prefix)).toEqual([`${prefix}1`, `${prefix}3`, `${prefix}\u{10ffff}2`].toSorted());
    expect(await countStored(runs.harness.database, prefix)).toBe(2);
    await sql(`delete from auction_outcomes where bid_request_id like 'stored%'`);
  });

  it('come all of them, each once, over many pages', async () => {
    const count = 12_345;
    await sql(
      `insert into auction_outcomes select made.* from (select * from auction_outcomes limit 1) as one, generate_series(1, ${count}) as n,
        jsonb_populate_record(null::auction_outcomes, to_jsonb(one) || jsonb_build_object('bid_id', 'many-' || n || ':s', 'bid_request_id', 'many-' || n)) as made`,
    );
    const ids = await read('many-');
    expect([ids.length, new Set(ids).size]).toEqual([count, count]);
    await sql(`delete from auction_outcomes where bid_request_id like 'many-%'`);
  });
});

// The last one: it makes the broker forget what the others wrote.
describe('the check on a broker that keeps too little', () => {
  it('does not check the hops when their messages are gone, and says so', async () => {
    // Random, for the producer compresses; 8 MB where 5 MiB are kept.
    const filler = Array.from({ length: 32 }, () => ({ key: 'filler', value: randomBytes(250_000).toString('hex') }));
    const report = await runs.checked(
      (plan) => void (plan.check = { limitMs: 200 }), // no group handles the filler
      () => runs.publish('bid_responses', filler),
    );
    expect(report.hops).toEqual({
      checked: false,
      why: expect.stringMatching(/^the broker no longer holds offsets \d+ to \d+ of bid_responses, partition \d$/),
    });
  });
});
