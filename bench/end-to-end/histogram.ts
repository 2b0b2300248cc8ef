import { bucketsOf, type Scrape, sumOf } from '@helios/scripts/metrics-text';

/** What a service's histogram took in between two scrapes. Pure. */

export interface Observed {
  readonly count: number;
  readonly sumSeconds: number;
  /** Upper edges in seconds, ascending, the last one infinite, with how many fell between the edge before and this one. */
  readonly buckets: readonly { readonly toSeconds: number; readonly count: number }[];
}

/** Observations of `name` from `before` to `after`, all labels together. */
export function observedBetween(before: Scrape, after: Scrape, name: string): Observed {
  const [first, last] = [bucketsOf([before], name), bucketsOf([after], name)];
  let below = 0;
  const buckets = [...last].map(([toSeconds, cumulative]) => {
    const upTo = cumulative - (first.get(toSeconds) ?? 0);
    const count = upTo - below;
    below = upTo;
    return { toSeconds, count };
  });
  return {
    count: sumOf([after], `${name}_count`) - sumOf([before], `${name}_count`),
    sumSeconds: sumOf([after], `${name}_sum`) - sumOf([before], `${name}_sum`),
    buckets,
  };
}

/** Milliseconds; null when nothing was observed. */
export function meanMs({ count, sumSeconds }: Observed): number | null {
  return count === 0 ? null : (sumSeconds / count) * 1000;
}

/**
 * Where the given share lies: `atMostMs` is the upper edge of its bucket, which is certain; `aboutMs` assumes that observations lie evenly in
 * their bucket. Null when nothing was observed, or when it lies above the last edge.
 */
export function quantileMs({ buckets, count }: Observed, share: number): { readonly atMostMs: number; readonly aboutMs: number } | null {
  if (count === 0) return null;
  const rank = share * count;
  let below = 0;
  let fromSeconds = 0;
  for (const bucket of buckets) {
    if (bucket.count > 0 && below + bucket.count >= rank) {
      if (!Number.isFinite(bucket.toSeconds)) return null;
      const within = (rank - below) / bucket.count;
      return { atMostMs: bucket.toSeconds * 1000, aboutMs: (fromSeconds + within * (bucket.toSeconds - fromSeconds)) * 1000 };
    }
    below += bucket.count;
    fromSeconds = bucket.toSeconds;
  }
  return null;
}
