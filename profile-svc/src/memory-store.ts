import type { UserProfile } from '@helios/proto/gen/user_profile';
import { mockProfile } from './mock-profiles.js';
import { emptyProfile, type ProfileStore, StoreCounts } from './profile-store.js';

/** Profiles in this process's memory: the embedded default. It never fails and is never late. */
export class MemoryStore implements ProfileStore {
  readonly counts = new StoreCounts();
  readonly up = true;
  readonly #profiles: Map<string, UserProfile>;

  constructor(profiles: Iterable<UserProfile>) {
    this.#profiles = new Map();
    for (const profile of profiles) this.#profiles.set(profile.user_id, profile);
  }

  /** A store that knows the made-up users 0 to `count - 1`. */
  static ofMockProfiles(count: number, seed: number): MemoryStore {
    return new MemoryStore(Array.from({ length: count }, (_, index) => mockProfile(index, seed)));
  }

  get(ids: readonly string[]): Promise<UserProfile[]> {
    return Promise.resolve(ids.map((id) => this.#profileOf(id)));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #profileOf(id: string): UserProfile {
    const profile = id === '' ? undefined : this.#profiles.get(id);
    if (profile === undefined) {
      this.counts.unknown++;
      return emptyProfile;
    }
    this.counts.found++;
    return profile;
  }
}
