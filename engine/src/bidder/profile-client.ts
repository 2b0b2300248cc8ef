import { ChannelCredentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { type BatchGetUserProfilesResponse, UserProfileServiceClient } from '@helios/proto/gen/user_profile';
import { encodeTracedUsers, type TracedUser, tracedUsersKey } from '@helios/proto/traceparent';
import { messageOf } from '@helios/runtime/errors';
import type { Logger } from '@helios/runtime/log';
import CircuitBreaker from 'opossum';
import type { Profile } from './bid.js';
import type { BreakerState, LookupResult, WorkerSettings } from './worker-messages.js';

/**
 * Looks up the profiles of a batch in one call, under a deadline, behind a circuit breaker.
 *
 * States of the breaker: closed (calls go out) -> open after too many failures, or failures in a row (no call, bids go out unenriched at
 * once) -> half open after a pause (one call tries) -> closed or open. It never throws and never waits past the deadline.
 */

export interface Lookup {
  /** By user id; null: not looked up in time, nobody is enriched. */
  readonly profiles: ReadonlyMap<string, Profile> | null;
  readonly result: LookupResult;
  readonly durationMs: number;
}

export interface ProfileLookup {
  lookup(userIds: readonly string[], traced?: readonly TracedUser[]): Promise<Lookup>;
  close(): void;
}

export class ProfileClient implements ProfileLookup {
  readonly #client: UserProfileServiceClient;
  readonly #breaker: CircuitBreaker<[string[], readonly TracedUser[]], BatchGetUserProfilesResponse>;
  readonly #timeoutMs: number;
  readonly #failuresInRowMax: number;
  #failuresInRow = 0;

  constructor(settings: WorkerSettings, log: Logger, onState: (state: BreakerState) => void) {
    this.#timeoutMs = settings.profileTimeoutMs;
    this.#failuresInRowMax = settings.breakerMinCalls;
    this.#client = new UserProfileServiceClient(settings.profileAddress, ChannelCredentials.createInsecure(), {
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1000,
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 2000,
      'grpc.keepalive_permit_without_calls': 1,
      'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
      'grpc.service_config_disable_resolution': 1,
      'grpc.enable_retries': 0,
      'grpc.enable_channelz': 0,
      'grpc.enable_http_proxy': 0,
      'grpc.max_receive_message_length': 32 * 1024 * 1024,
      'grpc-node.flow_control_window': 1024 * 1024,
    });
    // Connects now: the first lookup's deadline leaves no time for it.
    this.#client.getChannel().getConnectivityState(true);
    this.#breaker = new CircuitBreaker((userIds: string[], traced: readonly TracedUser[]) => this.#call(userIds, traced), {
      // The call's own deadline ends it; opossum's timeout would leave it running.
      timeout: false,
      errorThresholdPercentage: settings.breakerErrorPercent,
      volumeThreshold: settings.breakerMinCalls,
      rollingCountTimeout: settings.breakerWindowMs,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      resetTimeout: settings.breakerResetMs,
    });
    this.#breaker.on('open', () => {
      onState('open');
      log.error({ address: settings.profileAddress }, 'profile breaker opened: bids go out without enrichment');
    });
    this.#breaker.on('halfOpen', () => {
      onState('half_open');
      log.debug('profile breaker half open: trying one lookup');
    });
    this.#breaker.on('close', () => {
      onState('closed');
      log.info('profile breaker closed: bids are enriched again');
    });
  }

  /** `userIds` without repeats, at most 1,000; an empty list costs nothing. `traced`: those whose request belongs to a trace, for the log. */
  async lookup(userIds: readonly string[], traced: readonly TracedUser[] = []): Promise<Lookup> {
    if (userIds.length === 0) return { profiles: new Map(), result: 'none', durationMs: 0 };
    const startedMonoMs = performance.now();
    try {
      const response = await this.#breaker.fire(userIds as string[], traced);
      this.#failuresInRow = 0;
      const profiles = new Map<string, Profile>();
      for (let index = 0; index < userIds.length; index++) {
        const profile = response.profiles[index];
        if (profile !== undefined) profiles.set(userIds[index] as string, profile);
      }
      return { profiles, result: 'ok', durationMs: performance.now() - startedMonoMs };
    } catch (error) {
      const result = lookupResultOf(error);
      if (result !== 'rejected') this.#failed();
      return { profiles: null, result, durationMs: performance.now() - startedMonoMs };
    }
  }

  /**
   * A service that stops answering fails a few calls a second, each at its deadline, where hundreds succeeded before: the share of failures
   * in the window would take most of the window to say so, and every batch until then would wait out its deadline.
   */
  #failed(): void {
    this.#failuresInRow++;
    // A call that a stop cut short says nothing, and a breaker that was shut down stays so.
    if (this.#failuresInRow < this.#failuresInRowMax || this.#breaker.isShutdown) return;
    this.#failuresInRow = 0;
    this.#breaker.open();
  }

  close(): void {
    this.#breaker.shutdown();
    this.#client.close();
  }

  #call(userIds: string[], traced: readonly TracedUser[]): Promise<BatchGetUserProfilesResponse> {
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + this.#timeoutMs;
      const metadata = new Metadata();
      if (traced.length > 0) metadata.set(tracedUsersKey, encodeTracedUsers(traced));
      this.#client.batchGetUserProfiles({ user_ids: userIds }, metadata, { deadline }, (error, response) => {
        if (error !== null) reject(error);
        else if (response.profiles.length !== userIds.length)
          reject(new Error(`profile-svc answered ${response.profiles.length} profiles for ${userIds.length} ids`));
        else if (response.profiles.some(({ user_id }, index) => user_id !== '' && user_id !== userIds[index]))
          reject(new Error('profile-svc answered the profile of another user'));
        else resolve(response);
      });
    });
  }
}

function lookupResultOf(error: unknown): LookupResult {
  const code = (error as Partial<ServiceError>).code as unknown;
  if (code === 'EOPENBREAKER' || messageOf(error) === 'Breaker is open') return 'rejected';
  return code === status.DEADLINE_EXCEEDED ? 'deadline' : 'failed';
}
