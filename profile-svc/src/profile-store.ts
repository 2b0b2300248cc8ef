import type { UserProfile } from '@helios/proto/gen/user_profile';
import { LatencyHistogram } from '@helios/runtime/metrics';

/** Where profiles come from: the interface that both calls are written against, over Redis or over memory. */

/** Why a read failed: no answer in time, no connection or an error, or too many reads that wait for an answer already. */
export const storeFailureReasons = ['late', 'unreachable', 'saturated'] as const;
export type StoreFailureReason = (typeof storeFailureReasons)[number];

/** What a store has met so far, in plain fields; read when the metrics are scraped. */
export class StoreCounts {
  found = 0;
  unknown = 0;
  corrupt = 0;
  droppedInterests = 0;
  /** Reads of a server behind the store, its probe included; profiles in this process's memory are not read. */
  readonly reads = new LatencyHistogram();
  readsInFlight = 0;
  readonly failures: Record<StoreFailureReason, number> = { late: 0, unreachable: 0, saturated: 0 };
}

export interface ProfileStore {
  readonly counts: StoreCounts;
  /** Whether the store answered when it was last asked. */
  readonly up: boolean;
  /**
   * Profiles of users, one per id and in the order of the ids; an unknown user, the empty id and a corrupt profile are `emptyProfile`.
   * @param ids at most as many as `PROFILE_MAX_BATCH` says, each at most 256 bytes; the same id may occur more than once.
   * @throws HeliosError PROFILE_STORE_UNAVAILABLE when the store fails or is late: never an empty profile in its place.
   */
  get(ids: readonly string[]): Promise<UserProfile[]>;
  close(): Promise<void>;
}

/** The answer about a user of whom nothing is known. Source: spec section 2.5. */
export const emptyProfile: UserProfile = Object.freeze({ user_id: '', locale: '', interests: [], demographics: {} });
