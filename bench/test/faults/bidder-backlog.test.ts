import { describe, expect, it } from 'vitest';
import { type BacklogDrain, throughputLeft } from '../../faults/bidder-backlog.js';

function drain(perSecond: number, starvedShare: number): BacklogDrain {
  return { requests: 8000, perSecond, perCpuSecond: 20_000, starvedShare, lookups: {} };
}

describe('what the bidder keeps of its throughput', () => {
  it('is the same by both clocks where nobody takes its processor', () => {
    expect(throughputLeft(drain(7000, 0), drain(10_000, 0))).toEqual({ wallShare: 0.7, unstarvedShare: 0.7 });
  });

  it('leaves out what others took: half the time without a processor is not the bidder’s', () => {
    expect(throughputLeft(drain(5000, 0.5), drain(10_000, 0))).toEqual({ wallShare: 0.5, unstarvedShare: 1 });
  });

  it('is no more for a healthy bidder that was starved itself', () => {
    expect(throughputLeft(drain(5000, 0), drain(5000, 0.5))).toEqual({ wallShare: 1, unstarvedShare: 0.5 });
  });

  it('does not grow without bound for a thread that never ran', () => {
    expect(throughputLeft(drain(100, 1), drain(10_000, 0)).unstarvedShare).toBeCloseTo(0.1);
  });
});
