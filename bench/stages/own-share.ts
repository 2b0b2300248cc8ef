import { parseMetrics } from '@helios/scripts/metrics-text';
import { rounded } from '../result-file.js';

/**
 * Helios' own share of an accepted request, from the two parts of `helios_ingest_own_seconds`: before_produce (handler entry to `produce`
 * returned) and after_report (delivery report to the end of the answer). Both are histograms, so a quantile is known as the bucket edge that it
 * does not exceed, and of their sum only a bound is: where at most 0.5 % of the requests exceed a in the first part and at most 0.5 % exceed b
 * in the second, at most 1 % exceed a + b in the sum, however the two depend on each other. So p99 of the sum is at most p99.5 + p99.5. Pure.
 */
export interface OwnShare {
  readonly requests: number;
  readonly beforeProduceP99AtMostMs: number;
  readonly afterReportP99AtMostMs: number;
  readonly sumP99AtMostMs: number;
}

const METRIC = 'helios_ingest_own_seconds_bucket';
const parts = ['before_produce', 'after_report'] as const;

/** From two scrapes of ingest, in the order in which they were taken. @throws Error when nothing was accepted between them. */
export function ownShareBetween(before: string, after: string): OwnShare {
  const [beforeProduce, afterReport] = parts.map((part) => difference(bucketsOf(before, part), bucketsOf(after, part)));
  if (beforeProduce === undefined || afterReport === undefined) throw new Error('unreachable: there are two parts');
  return {
    requests: countOf(beforeProduce),
    beforeProduceP99AtMostMs: edgeMs(beforeProduce, 0.99),
    afterReportP99AtMostMs: edgeMs(afterReport, 0.99),
    sumP99AtMostMs: rounded(edgeMs(beforeProduce, 0.995) + edgeMs(afterReport, 0.995), 4),
  };
}

/** Cumulative counts by upper edge in seconds, ascending. */
type Buckets = readonly (readonly [edgeSeconds: number, count: number])[];

function bucketsOf(text: string, part: string): Buckets {
  const samples = (parseMetrics(text).get(METRIC) ?? []).filter(({ labels }) => labels['part'] === part);
  if (samples.length === 0) throw new Error(`${METRIC} has no part ${part}`);
  const edge = (le: string | undefined): number => (le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le));
  return samples.map(({ labels, value }) => [edge(labels['le']), value] as const).toSorted(([a], [b]) => a - b);
}

function difference(before: Buckets, after: Buckets): Buckets {
  return after.map(([edge, count], index) => [edge, count - (before[index]?.[1] ?? 0)] as const);
}

function countOf(buckets: Buckets): number {
  return buckets.at(-1)?.[1] ?? 0;
}

/** The least edge that `share` of the samples do not exceed, in ms; Infinity beyond the last finite one. */
function edgeMs(buckets: Buckets, share: number): number {
  const count = countOf(buckets);
  if (count === 0) throw new Error('no request was accepted between the scrapes');
  const found = buckets.find(([, cumulative]) => cumulative >= count * share);
  return (found?.[0] ?? Number.POSITIVE_INFINITY) * 1000;
}
