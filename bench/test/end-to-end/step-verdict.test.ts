import { notSustained, type StepSeen } from '@helios/bench/end-to-end/step-verdict';
import { expect, it } from 'vitest';

const good: StepSeen = {
  perSecond: 1000,
  sent: 10_000,
  accepted: 9_999,
  sentLate: 3,
  lagMessages: [40, 60, 30, 50, 45, 55],
  acceptedToRowMeanMs: { first: 30, second: 40 },
};

it('a rate at which nearly everything is accepted and nothing grows is sustained', () => {
  expect(notSustained(good)).toEqual([]);
});

it.each<[string, Partial<StepSeen>, string]>([
  ['one request in a hundred is not accepted', { accepted: 9_900 }, '9900 of 10000 requests were answered 202'],
  ['the load cannot keep its schedule', { sentLate: 1000 }, 'the load itself sent 1000 of 10000 requests late'],
  ['more than a second of work waits', { lagMessages: [1200, 1200, 1200, 1200, 1200, 1200] }, '1200 events waited at the end'],
  ['the lag grows', { lagMessages: [50, 50, 100, 100, 400, 500] }, 'the lag grew from 100 to 450 events'],
  ['bids take longer and longer', { acceptedToRowMeanMs: { first: 60, second: 200 } }, 'accepted to row grew from 60 to 200 ms'],
  ['nothing reaches the database', { acceptedToRowMeanMs: { first: null, second: null } }, 'no row came'],
  ['nothing is known of the lag', { lagMessages: [1, 2] }, 'the lag was not seen'],
  ['nothing was sent', { sent: 0 }, 'nothing was sent'],
])('it is not when %s', (_, fields, why) => {
  expect(notSustained({ ...good, ...fields })).toEqual([why]);
});
