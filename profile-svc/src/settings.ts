import { choice, type ConfigOf, flag, integer, port, text } from '@helios/runtime/config';
import { serviceSettings } from '@helios/runtime/settings';

/** How Redis is reached: profile-svc and the seed program. */
export const redisSettings = {
  redisHost: text({ env: 'REDIS_HOST', default: '127.0.0.1', effect: 'host of the Redis that holds the profiles' }),
  redisPort: port({ env: 'REDIS_PORT', default: 6379, effect: 'its port' }),
  redisUsername: text({ env: 'REDIS_USERNAME', default: '', effect: 'ACL user to log in as; empty: the default user' }),
  redisPassword: text({ env: 'REDIS_PASSWORD', default: '', secret: true, effect: 'password to log in with; empty: no login' }),
  redisTls: flag({ env: 'REDIS_TLS', default: false, effect: '1 connects with TLS and checks certificate and host name' }),
  redisCaLocation: text({
    env: 'REDIS_CA_LOCATION',
    default: '',
    unit: 'path',
    effect: 'PEM file with the certificate authority of Redis; empty: those that Node knows',
  }),
} as const;

/** The whole configuration of profile-svc. */
export const profileSettings = {
  ...serviceSettings(9104),
  ...redisSettings,
  profilePort: port({ env: 'PROFILE_PORT', default: 50_051, effect: 'port of the gRPC server' }),
  store: choice({
    env: 'PROFILE_STORE',
    values: ['redis', 'memory'],
    default: 'redis',
    effect: 'where profiles come from: Redis, or made-up ones in memory',
  }),
  mockCount: integer({
    env: 'PROFILE_MOCK_COUNT',
    default: 1000,
    min: 0,
    max: 200_000,
    unit: 'profiles',
    effect: 'how many made-up users the memory store knows, about 1 KiB each',
  }),
  mockSeed: integer({
    env: 'PROFILE_MOCK_SEED',
    default: 1,
    min: 0,
    max: 2_147_483_647,
    unit: 'seed',
    effect: 'what their profiles are drawn from',
  }),
  redisTimeoutMs: integer({
    env: 'PROFILE_REDIS_TIMEOUT_MS',
    default: 40,
    min: 1,
    max: 10_000,
    unit: 'ms',
    effect: 'a read that takes longer is answered UNAVAILABLE; keep it below PROFILE_TIMEOUT_MS of the bidder',
  }),
  redisConnectTimeoutMs: integer({
    env: 'PROFILE_REDIS_CONNECT_TIMEOUT_MS',
    default: 500,
    min: 10,
    max: 60_000,
    unit: 'ms',
    effect: 'an attempt to connect that takes longer is given up and repeated',
  }),
  redisSilenceMs: integer({
    env: 'PROFILE_REDIS_SILENCE_MS',
    default: 1000,
    min: 10,
    max: 60_000,
    unit: 'ms',
    effect: 'a connection that owes an answer and is silent for this long is closed and opened anew',
  }),
  redisMaxReads: integer({
    env: 'PROFILE_REDIS_MAX_READS',
    default: 256,
    min: 1,
    max: 10_000,
    unit: 'reads',
    effect: 'reads that may wait for Redis at once, one per call; more are answered UNAVAILABLE',
  }),
  maxBatch: integer({
    env: 'PROFILE_MAX_BATCH',
    default: 1000,
    min: 1,
    max: 1000,
    unit: 'ids',
    effect: 'user ids in one batch call; more are answered INVALID_ARGUMENT',
  }),
  maxConnections: integer({
    env: 'PROFILE_MAX_CONNECTIONS',
    default: 1000,
    min: 1,
    max: 100_000,
    unit: 'connections',
    effect: 'connections to the gRPC port at once; more are closed as soon as they come',
  }),
  maxConcurrentStreams: integer({
    env: 'PROFILE_MAX_CONCURRENT_STREAMS',
    default: 1000,
    min: 1,
    max: 100_000,
    unit: 'calls a connection',
    effect: 'calls that one connection may have open at once',
  }),
  maxConnectionAgeMs: integer({
    env: 'PROFILE_MAX_CONNECTION_AGE_MS',
    default: 300_000,
    min: 1000,
    max: 86_400_000,
    unit: 'ms',
    effect: 'a connection is closed in order at this age, so that clients find new replicas',
  }),
} as const;

export type RedisConfig = ConfigOf<typeof redisSettings>;
export type ProfileConfig = ConfigOf<typeof profileSettings>;

/** Combinations of settings that cannot work, as sentences. */
export function redisFaults(config: RedisConfig): string[] {
  const faults: string[] = [];
  if (config.redisUsername !== '' && config.redisPassword === '') faults.push('REDIS_PASSWORD is empty: REDIS_USERNAME needs it.');
  if (config.redisCaLocation !== '' && !config.redisTls) faults.push('REDIS_CA_LOCATION is set: it has an effect with REDIS_TLS=1 only.');
  return faults;
}
