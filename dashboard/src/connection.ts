/** One word for how the page stands to the API, of all its feeds together. Pure. */

export type Connection = 'loading' | 'live' | 'paused' | 'refreshing' | 'stale' | 'offline';

export interface FeedStanding {
  readonly state: 'loading' | 'ready' | 'refreshing' | 'failed';
  /** Why it failed: the API refused the question (the panel says so itself), nothing answered, or the API answered with a fault of its own. */
  readonly fault: 'refused' | 'no answer' | 'fault' | null;
  readonly answeredAtUnixMs: number;
  /** Answers older than this are stale. */
  readonly staleAfterMs: number;
}

export interface Standing {
  readonly connection: Connection;
  /** Of the oldest answer that is shown; 0 when there is none. */
  readonly answeredAtUnixMs: number;
}

/** Offline: the browser has no network, or no feed is answered any more. Stale: something shown is older than it should be. */
export function standingOf(feeds: readonly FeedStanding[], now: { unixMs: number; online: boolean; paused: boolean }): Standing {
  const answered = feeds.filter(({ answeredAtUnixMs }) => answeredAtUnixMs > 0);
  const answeredAtUnixMs = answered.length === 0 ? 0 : Math.min(...answered.map((feed) => feed.answeredAtUnixMs));
  return { connection: connectionOf(feeds, answered, now), answeredAtUnixMs };
}

function connectionOf(
  feeds: readonly FeedStanding[],
  answered: readonly FeedStanding[],
  { unixMs, online, paused }: { unixMs: number; online: boolean; paused: boolean },
): Connection {
  const asking = feeds.filter(({ fault }) => fault !== 'refused');
  const failed = asking.some(({ state }) => state === 'failed');
  const away = asking.filter(({ fault }) => fault === 'no answer').length;
  if (!online || (away > 0 && (away === asking.length || answered.length === 0))) return 'offline';
  if (feeds.some(({ state }) => state === 'refreshing')) return 'refreshing';
  if (failed) return 'stale';
  if (feeds.some(({ state }) => state === 'loading')) return answered.length === 0 ? 'loading' : 'refreshing';
  if (paused) return 'paused';
  return answered.some((feed) => unixMs - feed.answeredAtUnixMs > feed.staleAfterMs) ? 'stale' : 'live';
}
