import type { FoundLetter, FoundOutcome, PostedRequest } from '../../src/accounting/identity.js';

/** Postings and ends for the tests of the check. */

export const outcome = (requestId: string, slotId: string): FoundOutcome => ({ requestId, slotId });

export const letter = (requestId: string, slotId: string | null, sourceOffset = 0): FoundLetter => ({
  sourceTopic: slotId === null ? 'bid_requests' : 'bid_responses',
  sourcePartition: 1,
  sourceOffset,
  requestId,
  slotId,
});

/** Four accepted requests with six slots (one gets no bid, one may get one), and three that were not accepted. */
export const posted: readonly PostedRequest[] = [
  {
    id: 'a',
    status: 202,
    slots: [
      { id: '1', expectation: 'bid' },
      { id: '2', expectation: 'no_bid' },
    ],
  },
  { id: 'b', status: 202, slots: [{ id: '1', expectation: 'either' }] },
  { id: 'c', status: 400, slots: [] },
  { id: 'd', status: 503, slots: [{ id: '1', expectation: 'bid' }] },
  { id: 'e', status: null, slots: [{ id: '1', expectation: 'bid' }] },
  { id: 'f', status: 202, slots: [{ id: '1', expectation: 'bid' }] },
  {
    id: 'g',
    status: 202,
    slots: [
      { id: '1', expectation: 'bid' },
      { id: '2', expectation: 'no_bid' },
    ],
  },
];
/** One end for each slot that has to have one: f's and g's are dead letters, d's was stored without a 202. */
export const outcomes: readonly FoundOutcome[] = [outcome('a', '1'), outcome('b', '1'), outcome('d', '1')];
export const letters: readonly FoundLetter[] = [letter('f', '1'), letter('g', null)];

export const ids = (findings: readonly { requestId: string; slotId: string }[]) =>
  findings.map((finding) => `${finding.requestId}:${finding.slotId}`);
