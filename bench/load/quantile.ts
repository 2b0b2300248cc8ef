/** The value that `share` of ascending `samples` do not exceed; NaN without samples. */
export function quantile(samples: ArrayLike<number>, share: number): number {
  return samples[Math.max(0, Math.ceil(samples.length * share) - 1)] ?? Number.NaN;
}
