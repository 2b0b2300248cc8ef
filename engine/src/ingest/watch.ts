import type { Health } from '@helios/runtime/admin-server';
import type { Logger } from '@helios/runtime/log';
import type { Outcome } from './problem.js';

/**
 * Readiness and the faults of ingest, each logged once per change. Driven by a timer of the server; takes what it looks at as parameters.
 *
 * Broker: unknown (no metadata yet, not ready) -> live (ready) <-> lost (silent for longer than 10 s, not ready).
 * Requests: taken <-> refused; back to taken after some ticks without a refusal, so that one line tells of one episode.
 */

/** Without a live broker for longer than this, ingest is not ready. Source: spec section 2.7. */
export const BROKER_SILENCE_MAX_MS = 10_000;
/** Ticks without a refusal that end an episode. */
const QUIET_TICKS = 5;

/** The outcomes that tell of a fault on this side, not of the request. */
export const refusalOutcomes = ['overloaded', 'no_broker', 'ack_timeout', 'ack_failed'] as const satisfies readonly Outcome[];

export class IngestWatch {
  readonly #health: Health;
  readonly #log: Logger;
  #broker: 'unknown' | 'live' | 'lost' = 'unknown';
  #seen: Record<string, number> = {};
  #atEpisodeStart: Record<string, number> = {};
  #refusing = false;
  #quietTicks = 0;

  constructor(health: Health, log: Logger) {
    this.#health = health;
    this.#log = log;
    health.set('broker', 'no broker has answered yet');
  }

  /** @param brokerSilenceMs since a broker last showed life, Infinity before the first metadata. @param requests counts by outcome. */
  tick(brokerSilenceMs: number, requests: Readonly<Record<Outcome, number>>): void {
    this.#watchBroker(brokerSilenceMs);
    this.#watchRefusals(requests);
  }

  #watchBroker(silenceMs: number): void {
    const live = silenceMs <= BROKER_SILENCE_MAX_MS;
    if (live && this.#broker !== 'live') {
      this.#health.set('broker', null);
      if (this.#broker === 'lost') this.#log.info('broker is back');
      this.#broker = 'live';
    } else if (!live && this.#broker === 'live') {
      this.#health.set('broker', `no live broker for more than ${BROKER_SILENCE_MAX_MS / 1000} s`);
      this.#log.error({ code: 'BROKER_UNREACHABLE', silence_ms: Math.round(silenceMs) }, 'broker lost');
      this.#broker = 'lost';
    }
  }

  #watchRefusals(requests: Readonly<Record<Outcome, number>>): void {
    const before = this.#seen;
    const now = Object.fromEntries(refusalOutcomes.map((outcome) => [outcome, requests[outcome]]));
    this.#seen = now;
    if (total(now) > total(before)) {
      this.#quietTicks = 0;
      if (this.#refusing) return;
      this.#refusing = true;
      this.#atEpisodeStart = before;
      this.#log.warn(difference(before, now), 'bid requests are being refused');
    } else if (this.#refusing && ++this.#quietTicks >= QUIET_TICKS) {
      this.#refusing = false;
      this.#log.info(difference(this.#atEpisodeStart, now), 'bid requests are taken again');
    }
  }
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function difference(before: Readonly<Record<string, number>>, now: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(now).map(([outcome, count]) => [outcome, count - (before[outcome] ?? 0)]));
}
