import { isDeepStrictEqual } from 'node:util';
import { ChannelCredentials, Metadata } from '@grpc/grpc-js';
import { mockProfile, userIdAt } from '@helios/profile-svc/mock-profiles';
import { type UserProfile, UserProfileServiceClient } from '@helios/proto/gen/user_profile';

/** Calls profile-svc with ids in turn and looks at every profile of every answer. */

export const KNOWN_PROFILES = 10_000;
export const MOCK_SEED = 1;
/** One id in so many has no profile. */
const UNKNOWN_EVERY = 50;
const DEADLINE_MS = 10_000;
/** So many ids in turn; a batch begins where the last one ended. */
const ROUND = KNOWN_PROFILES;

export class ProfileCaller {
  readonly #client: UserProfileServiceClient;
  readonly #expected: readonly { readonly id: string; readonly profile: UserProfile | null }[];
  #next = 0;

  constructor(port: number) {
    this.#client = new UserProfileServiceClient(`127.0.0.1:${port}`, ChannelCredentials.createInsecure(), {
      'grpc.service_config_disable_resolution': 1,
      'grpc.enable_retries': 0,
      'grpc.enable_channelz': 0,
      'grpc.enable_http_proxy': 0,
      'grpc.max_receive_message_length': 32 * 1024 * 1024,
      'grpc-node.flow_control_window': 1024 * 1024,
    });
    this.#expected = Array.from({ length: ROUND }, (_, index) =>
      index % UNKNOWN_EVERY === UNKNOWN_EVERY - 1
        ? { id: `nobody-${index}`, profile: null }
        : { id: userIdAt(index), profile: mockProfile(index, MOCK_SEED) },
    );
  }

  /** One profile by the unary call. @throws Error when the call fails or the answer is wrong. */
  one(): Promise<void> {
    const first = this.#take(1);
    const deadline = Date.now() + DEADLINE_MS;
    return new Promise((resolve, reject) => {
      this.#client.getUserProfile({ user_id: this.#at(first).id }, new Metadata(), { deadline }, (error, response) => {
        if (error !== null) return reject(error);
        settle(resolve, reject, () => this.#check(first, response.profile));
      });
    });
  }

  /** So many profiles by the batch call; `answered` is told before the answer is looked at. @throws Error as `one` does. */
  batch(ids: number, answered: () => void = () => undefined): Promise<void> {
    const first = this.#take(ids);
    const wanted = Array.from({ length: ids }, (_, index) => this.#at(first + index).id);
    const deadline = Date.now() + DEADLINE_MS;
    return new Promise((resolve, reject) => {
      this.#client.batchGetUserProfiles({ user_ids: wanted }, new Metadata(), { deadline }, (error, response) => {
        answered();
        if (error !== null) return reject(error);
        settle(resolve, reject, () => {
          if (response.profiles.length !== ids) throw new Error(`${response.profiles.length} profiles for ${ids} ids`);
          for (let index = 0; index < ids; index++) this.#check(first + index, response.profiles[index]);
        });
      });
    });
  }

  close(): void {
    this.#client.close();
  }

  #take(count: number): number {
    const first = this.#next;
    this.#next = (first + count) % ROUND;
    return first;
  }

  #at(index: number): { readonly id: string; readonly profile: UserProfile | null } {
    return this.#expected[index % ROUND] as { id: string; profile: UserProfile | null };
  }

  #check(index: number, found: UserProfile | undefined): void {
    const { id, profile } = this.#at(index);
    const right = profile === null ? found === undefined || found.user_id === '' : found !== undefined && same(found, profile);
    if (!right) throw new Error(`a wrong profile for ${id}: ${JSON.stringify(found)}`);
  }
}

/** Every field; cheaper than a general comparison, which is left the few demographics. */
function same(found: UserProfile, want: UserProfile): boolean {
  if (found.user_id !== want.user_id || found.locale !== want.locale || found.interests.length !== want.interests.length) return false;
  for (let index = 0; index < want.interests.length; index++) {
    const [a, b] = [found.interests[index], want.interests[index]];
    if (a?.category !== b?.category || a?.score !== b?.score) return false;
  }
  return isDeepStrictEqual({ ...found.demographics }, { ...want.demographics });
}

function settle(resolve: () => void, reject: (error: Error) => void, check: () => void): void {
  try {
    check();
    resolve();
  } catch (error) {
    reject(error as Error);
  }
}
