import type { UserProfile } from '@helios/proto/gen/user_profile';
import { traceIdOf, type TracedUser } from '@helios/proto/traceparent';
import { HeliosError } from '@helios/runtime/errors';
import type { Logger, LogSampler } from '@helios/runtime/log';
import { LatencyHistogram, type Metrics } from '@helios/runtime/metrics';
import { emptyProfile, type ProfileStore } from './profile-store.js';

/** What both calls have in common: bounds of the input, the store, counts, durations and sampled log lines. Knows nothing of gRPC. */

/** An id longer than this is refused. Source: spec section 2.2. */
export const userIdMaxBytes = 256;

export type Method = 'GetUserProfile' | 'BatchGetUserProfiles';
export type LookupAnswer =
  | { readonly result: 'ok'; readonly profiles: UserProfile[] }
  | { readonly result: 'invalid' | 'unavailable'; readonly detail: string };

/** A user of whom the log tells, by its position in the call. */
interface LoggedUser {
  readonly position: number;
  readonly trace_id: string | undefined;
}

export class Lookup {
  readonly requests: Record<LookupAnswer['result'], number> = { ok: 0, invalid: 0, unavailable: 0 };
  readonly durations: Record<Method, LatencyHistogram> = {
    GetUserProfile: new LatencyHistogram(),
    BatchGetUserProfiles: new LatencyHistogram(),
  };
  /** Calls that are being answered, and the ids that they asked for so far. */
  inFlight = 0;
  ids = 0;
  readonly #store: ProfileStore;
  readonly #maxBatch: number;
  readonly #log: Logger;
  readonly #sampler: LogSampler;

  constructor(options: { store: ProfileStore; maxBatch: number; log: Logger; sampler: LogSampler }) {
    this.#store = options.store;
    this.#maxBatch = options.maxBatch;
    this.#log = options.log;
    this.#sampler = options.sampler;
  }

  /**
   * Answers one call. `traced`: users whose bid request belongs to a trace.
   * @returns one profile per id in the order of the ids, or why there is none: a value, for every fault that lies outside this process.
   */
  async answer(method: Method, ids: readonly string[], traced: readonly TracedUser[] = []): Promise<LookupAnswer> {
    const startedMonoMs = performance.now();
    const logged = this.#logRequests(method, ids, traced);
    this.inFlight++;
    this.ids += ids.length;
    const answer = await this.#find(ids).finally(() => this.inFlight--);
    this.requests[answer.result]++;
    this.durations[method].observe((performance.now() - startedMonoMs) / 1000);
    if (logged !== undefined) this.#logAnswers(method, ids, logged, answer);
    return answer;
  }

  async #find(ids: readonly string[]): Promise<LookupAnswer> {
    const detail = this.#faultOf(ids);
    if (detail !== null) return { result: 'invalid', detail };
    if (ids.length === 0) return { result: 'ok', profiles: [] };
    try {
      return { result: 'ok', profiles: await this.#store.get(ids) };
    } catch (error) {
      if (error instanceof HeliosError && error.code === 'PROFILE_STORE_UNAVAILABLE')
        return { result: 'unavailable', detail: error.message };
      throw error;
    }
  }

  #faultOf(ids: readonly string[]): string | null {
    if (ids.length > this.#maxBatch) return `There are ${ids.length} user ids; a call takes at most ${this.#maxBatch}.`;
    for (const [index, id] of ids.entries()) {
      // A UTF-16 unit takes at most 3 bytes, so short ids need no counting.
      if (id.length * 3 > userIdMaxBytes && Buffer.byteLength(id) > userIdMaxBytes) {
        return `User id ${index} is ${Buffer.byteLength(id)} bytes long; it may have at most ${userIdMaxBytes}.`;
      }
    }
    return null;
  }

  /**
   * Logs what was asked for the ids that the sampler chooses, and returns what was logged. A call carries no bid request id, so the choice
   * is by the user id: all replicas log the same users. The users of sampled traces are exempt from the rate, under the id of their trace.
   * Asking the sampler costs 0.1 us an id.
   */
  #logRequests(method: Method, ids: readonly string[], traced: readonly TracedUser[]): LoggedUser[] | undefined {
    if (!this.#log.isLevelEnabled('info')) return undefined;
    let logged: LoggedUser[] | undefined;
    const choose = (position: number, traceparent?: string): void => {
      const id = ids[position] ?? '';
      if (!this.#sampler.shouldLog('profile request', id, traceparent)) return;
      const user = { position, trace_id: traceIdOf(traceparent) ?? undefined };
      (logged ??= []).push(user);
      this.#log.info(
        { method, ids: ids.length, trace_id: user.trace_id, request: { user_id: id.slice(0, userIdMaxBytes) } },
        'profile request',
      );
    };
    const end = Math.min(ids.length, this.#maxBatch);
    const positions = new Set<number>();
    for (const { position, traceparent } of traced) {
      if (position >= end) continue;
      positions.add(position);
      choose(position, traceparent);
    }
    for (let position = 0; position < end; position++) if (positions.size === 0 || !positions.has(position)) choose(position);
    return logged;
  }

  #logAnswers(method: Method, ids: readonly string[], logged: readonly LoggedUser[], answer: LookupAnswer): void {
    for (const { position, trace_id } of logged) {
      const userId = (ids[position] ?? '').slice(0, userIdMaxBytes);
      const response = answer.result === 'ok' ? { profile: answer.profiles[position] ?? emptyProfile } : { detail: answer.detail };
      this.#log.info({ method, trace_id, user_id: userId, result: answer.result, response }, 'profile response');
    }
  }
}

/** Shows what the lookup and its store count, at scrape time. */
export function registerMetrics(metrics: Metrics, lookup: Lookup, store: ProfileStore, sampler: LogSampler): void {
  metrics.gauge('helios_profile_requests_in_flight', 'Calls that are being answered.', () => lookup.inFlight);
  metrics.counter('helios_profile_request_ids_total', 'User ids asked for, repeats and refused calls included.', () => lookup.ids);
  metrics.histogram(
    'helios_profile_store_read_duration_seconds',
    'Time of a read of the store until its answer or fault, its probe included; profiles in memory are not read.',
    () => store.counts.reads,
  );
  metrics.gauge('helios_profile_store_reads_in_flight', 'Reads that the store owes an answer for.', () => store.counts.readsInFlight);
  metrics.counter('helios_profile_requests_total', 'Calls answered, by result.', () => lookup.requests, 'result');
  metrics.histogram('helios_profile_request_duration_seconds', 'Time from a call to its answer.', () => lookup.durations, 'method');
  metrics.counter(
    'helios_profile_lookups_total',
    'Users looked up in a store that answered, by what it had.',
    () => ({ found: store.counts.found, unknown: store.counts.unknown, corrupt: store.counts.corrupt }),
    'result',
  );
  metrics.counter(
    'helios_profile_dropped_interests_total',
    'Stored interests whose score is not a number in 0..1.',
    () => store.counts.droppedInterests,
  );
  metrics.counter(
    'helios_profile_store_failures_total',
    'Reads that the store did not answer, by reason; the probe of every second included.',
    () => store.counts.failures,
    'reason',
  );
  metrics.gauge('helios_profile_store_up', 'Whether the store answered when it was last asked: 1 or 0.', () => (store.up ? 1 : 0));
  metrics.counter(
    'helios_log_lines_left_out_total',
    'Sampled log lines left out by LOG_SAMPLE_RATE or LOG_MAX_PER_SECOND.',
    () => ({ 'profile request': sampler.leftOut.get('profile request') ?? 0 }),
    'event',
  );
}
