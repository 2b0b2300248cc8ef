import type { UserProfile } from '@helios/proto/gen/user_profile';
import { HeliosError, messageOf } from '@helios/runtime/errors';
import { LogSampler, type Logger } from '@helios/runtime/log';
import { emptyProfile, type ProfileStore, StoreCounts, type StoreFailureReason } from './profile-store.js';
import { createRedis, type Redis } from './redis-connection.js';
import type { ProfileConfig } from './settings.js';
import { readStoredProfile, storedProfileMaxBytes } from './stored-profile.js';

/**
 * Profiles in Redis: a JSON string under each user's id.
 *
 * It fails fast: a read without a connection, over the bound of waiting reads or without an answer in time rejects at once, and the
 * connection comes back by itself, with no command of the time before. A probe every second says whether the store answers:
 * up <-> down, one log line for each change.
 */

/**
 * Reads at most one byte more than a profile may have, so that one huge value can neither delay a batch nor fill the memory: MGET would
 * fetch it whole. One reply for the batch keeps this process at MGET's cost (2 us a profile); a pipeline of GETRANGE takes 7 us. Redis
 * itself spends 2 us a profile on it.
 * Absent is false. What is no string at all is an empty one here, and so corrupt.
 */
const readScript = `
local values = {}
for i, key in ipairs(KEYS) do
  local value = redis.pcall('GETRANGE', key, 0, ${storedProfileMaxBytes})
  if type(value) ~= 'string' then
    values[i] = ''
  elseif value == '' then
    values[i] = redis.call('EXISTS', key) == 1 and ''
  else
    values[i] = value
  end
end
return values`;

interface ScriptedRedis extends Redis {
  readProfilesBuffer(keyCount: number, ...keys: readonly string[]): Promise<(Buffer | null)[]>;
}

const probeEveryMs = 1000;
const probeKey = 'helios:probe';
const reconnectMaxMs = 1000;

export class RedisStore implements ProfileStore {
  readonly counts = new StoreCounts();
  readonly #redis: ScriptedRedis;
  readonly #timeoutMs: number;
  readonly #maxReads: number;
  readonly #log: Logger;
  readonly #corruptSampler: LogSampler;
  readonly #probe: NodeJS.Timeout;
  #state: 'unknown' | 'up' | 'down' = 'unknown';
  #lastConnectionFault = '';

  constructor(config: ProfileConfig, log: Logger) {
    this.#timeoutMs = config.redisTimeoutMs;
    this.#maxReads = config.redisMaxReads;
    this.#log = log;
    // Faults are exempt from LOG_SAMPLE_RATE, not from the cap.
    this.#corruptSampler = new LogSampler(1, config.logMaxPerSecond);
    this.#redis = createRedis(config, {
      scripts: { readProfiles: { lua: readScript, readOnly: true } },
      connectTimeout: config.redisConnectTimeoutMs,
      // A half-open connection: what it owes an answer for is rejected, and a new one is made.
      socketTimeout: config.redisSilenceMs,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (attempt) => Math.min(50 * attempt, reconnectMaxMs),
    }) as ScriptedRedis;
    this.#redis.on('error', (error) => {
      this.#lastConnectionFault = messageOf(error);
    });
    this.#redis.on('ready', () => void this.#askWhetherUp());
    this.#redis.on('close', () => this.#isDown(this.#lastConnectionFault || 'the connection was closed'));
    this.#probe = setInterval(() => void this.#askWhetherUp(), probeEveryMs);
    this.#probe.unref();
  }

  get up(): boolean {
    return this.#state === 'up';
  }

  async get(ids: readonly string[]): Promise<UserProfile[]> {
    const values = await this.#read(ids);
    return ids.map((id, index) => this.#profileOf(id, values[index] ?? null));
  }

  async close(): Promise<void> {
    clearInterval(this.#probe);
    this.#redis.removeAllListeners('close');
    this.#redis.disconnect();
  }

  /** The stored bytes, null for an absent key. Rejects with HeliosError PROFILE_STORE_UNAVAILABLE, after `timeoutMs` at the latest. */
  #read(ids: readonly string[]): Promise<(Buffer | null)[]> {
    if (this.#redis.status !== 'ready') return Promise.reject(this.#failure('unreachable', this.#lastConnectionFault || 'not connected'));
    if (this.counts.readsInFlight >= this.#maxReads)
      return Promise.reject(this.#failure('saturated', `${this.#maxReads} reads wait already`));
    return new Promise((resolve, reject) => {
      let open = true;
      const late = (): void => {
        if (!open) return;
        open = false;
        reject(this.#failure('late', `no answer within ${this.#timeoutMs} ms`));
      };
      // After a busy stretch of this thread the answer may lie in the socket already: timers run before sockets are read, immediates after.
      const timer = setTimeout(() => setImmediate(late), this.#timeoutMs);
      const startedMonoMs = performance.now();
      this.counts.readsInFlight++;
      this.#redis.readProfilesBuffer(ids.length, ...ids).then(
        (values) => {
          this.#readEnded(startedMonoMs);
          clearTimeout(timer);
          open = false;
          resolve(values);
        },
        (error: unknown) => {
          this.#readEnded(startedMonoMs);
          clearTimeout(timer);
          if (!open) return;
          open = false;
          reject(this.#failure('unreachable', messageOf(error)));
        },
      );
    });
  }

  #readEnded(startedMonoMs: number): void {
    this.counts.readsInFlight--;
    this.counts.reads.observe((performance.now() - startedMonoMs) / 1000);
  }

  #profileOf(id: string, value: Buffer | null): UserProfile {
    if (value === null || id === '') {
      this.counts.unknown++;
      return emptyProfile;
    }
    const stored = readStoredProfile(value, id);
    if (!stored.ok) {
      this.counts.corrupt++;
      if (this.#corruptSampler.shouldLog('corrupt profile', id)) {
        this.#log.error({ user_id: id, fault: stored.fault, detail: stored.detail }, 'stored profile is corrupt');
      }
      return emptyProfile;
    }
    this.counts.found++;
    this.counts.droppedInterests += stored.droppedInterests;
    return stored.profile;
  }

  #failure(reason: StoreFailureReason, detail: string): HeliosError {
    this.counts.failures[reason]++;
    return new HeliosError('PROFILE_STORE_UNAVAILABLE', `The profile store failed: ${detail}.`, { reason });
  }

  async #askWhetherUp(): Promise<void> {
    try {
      await this.#read([probeKey]);
    } catch (error) {
      this.#isDown(messageOf(error));
      return;
    }
    if (this.#state === 'up') return;
    this.#state = 'up';
    this.#lastConnectionFault = '';
    this.#log.info('profile store answers');
  }

  #isDown(why: string): void {
    if (this.#state === 'down') return;
    this.#state = 'down';
    this.#log.error({ code: 'PROFILE_STORE_UNAVAILABLE', err: why }, 'profile store does not answer');
  }
}
