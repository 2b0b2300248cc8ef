/** When a child that died is started again: 1 s, doubling to 30 s, from 1 s again after a stable minute. Source: spec section 5. */

export const RESTART_FIRST_MS = 1000;
export const RESTART_MAX_MS = 30_000;
export const STABLE_MS = 60_000;

/**
 * The wait before the next start.
 * @param previousMs the wait before the start that has just ended; null when it was the first.
 * @param uptimeMs how long the process lived.
 */
export function restartDelayMs(previousMs: number | null, uptimeMs: number): number {
  if (previousMs === null || uptimeMs >= STABLE_MS) return RESTART_FIRST_MS;
  return Math.min(previousMs * 2, RESTART_MAX_MS);
}
