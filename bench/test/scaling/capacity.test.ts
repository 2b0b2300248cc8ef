import { assumptions, capacityFor, type CostPerBid } from '@helios/bench/scaling/capacity';
import { expect, it } from 'vitest';

const cost: CostPerBid = {
  cpuMicros: { ingest: 30, bidder: 40, auction: 30, writer: 30, api: 5, kafka: 60, redis: 3, postgresql: 90 },
  requestsPerBid: 1.2,
  kafkaBytes: 500,
  rowBytes: 600,
  walBytes: 900,
  networkBytes: 5000,
};

it('cores are CPU a bid times bids, at the utilisation planned with', () => {
  const need = capacityFor(100_000, cost);
  // 100,000 x 30 us are 3 cores of work; at 60 % that takes 5.
  expect(need.cores['ingest']).toBeCloseTo(5);
  expect(need.processes['ingest']).toBe(5);
  expect(need.cores['postgresql']).toBeCloseTo(15);
  expect(need.requestsPerSecond).toBeCloseTo(120_000);
});

it('every copy of an event costs Kafka again: cores, disk and network', () => {
  const [one, three] = [1, 3].map((kafkaCopies) => capacityFor(10_000, cost, { ...assumptions, kafkaCopies }));
  expect(three?.cores['kafka']).toBeCloseTo((one?.cores['kafka'] ?? 0) * 3);
  expect(three?.kafkaDiskBytes).toBe((one?.kafkaDiskBytes ?? 0) * 3);
  expect(one?.kafkaDiskBytes).toBe(10_000 * 500 * 72 * 3600);
  expect((three?.networkBitsPerSecond ?? 0) - (one?.networkBitsPerSecond ?? 0)).toBe(10_000 * 500 * 2 * 8);
});

it('outcomes are kept for their whole retention, and divided when one primary is too small', () => {
  expect(capacityFor(10_000, cost).databases).toBe(1);
  expect(capacityFor(1_000_000, cost).databases).toBe(Math.ceil(150 / assumptions.databaseCoresMax));
  expect(capacityFor(10_000, cost).databaseDiskBytes).toBe(10_000 * 600 * 90 * 86_400);
});

it('everything grows with the bids and no faster; what serves readers is left out', () => {
  const [small, large] = [capacityFor(10_000, cost), capacityFor(1_000_000, cost)];
  expect(large.coresTotal).toBeCloseTo(small.coresTotal * 100);
  expect(large.networkBitsPerSecond).toBeCloseTo(small.networkBitsPerSecond * 100);
  expect(Object.keys(small.cores)).not.toContain('api');
});

it('a service has at least one process, and no bids are no rate', () => {
  expect(capacityFor(1, cost).processes).toEqual({ ingest: 1, bidder: 1, auction: 1, writer: 1 });
  expect(() => capacityFor(0, cost)).toThrow('no rate');
});
