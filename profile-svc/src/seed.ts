import { existsSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadConfig } from '@helios/runtime/config';
import { HeliosError, messageOf } from '@helios/runtime/errors';
import { knownVariables } from '@helios/runtime/gen/known-variables';
import { createLogger } from '@helios/runtime/log';
import { mockProfile, userIdAt } from './mock-profiles.js';
import { createRedis, type Redis } from './redis-connection.js';
import { profileSettings, redisFaults, type RedisConfig, redisSettings } from './settings.js';

/** The seed program: stores mock profiles in Redis, each as a JSON string under its user's id. `npm run seed`. Source: spec S2.3. */

const help = `Usage: npm run seed -- [--count N] [--seed N]

Stores mock user profiles in Redis, each as a JSON string under its user's id (${userIdAt(0)}, ${userIdAt(1)}, ...).
What is stored under these ids already is replaced.

  --count N   how many profiles, 1 to 10000000 (default 10)
  --seed N    what they are drawn from, 0 to 2147483647 (default 1): the same numbers give the same profiles
  --help      this text

Redis: REDIS_HOST (127.0.0.1), REDIS_PORT (6379), REDIS_USERNAME, REDIS_PASSWORD, REDIS_TLS, REDIS_CA_LOCATION.
`;

const exitUsage = 64;
const exitConfig = 78;
/** Profiles in one MSET: about 150 KiB. */
const chunkProfiles = 500;
const connectTimeoutMs = 2000;
const commandTimeoutMs = 10_000;

/**
 * Runs the seed program.
 * @param argv the arguments after the program's name.
 * @param env where REDIS_* are read from.
 * @returns the exit code: 0 stored, 1 Redis failed, 64 wrong arguments, 78 wrong configuration; what went wrong stands on standard error.
 */
export async function seedMain(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<number> {
  const options = readArguments(argv);
  if (typeof options === 'string') return complain(options, exitUsage);
  if (options.help) {
    process.stdout.write(help);
    return 0;
  }
  try {
    const known = [...knownVariables, ...Object.values(profileSettings).map((setting) => setting.env)];
    const config = loadConfig({
      service: 'seed',
      schema: { ...redisSettings, logLevel: profileSettings.logLevel },
      env,
      knownVariables: known,
      check: redisFaults,
    });
    const log = createLogger('seed', config.logLevel);
    const startedMonoMs = performance.now();
    await storeProfiles(config, options);
    log.info(
      {
        count: options.count,
        first: userIdAt(0),
        last: userIdAt(options.count - 1),
        redis: addressOf(config),
        elapsedMs: Math.round(performance.now() - startedMonoMs),
      },
      'mock profiles stored',
    );
    return 0;
  } catch (error) {
    return complain(messageOf(error), error instanceof HeliosError && error.code === 'CONFIG_INVALID' ? exitConfig : 1);
  }
}

async function storeProfiles(config: RedisConfig, options: { count: number; seed: number }): Promise<void> {
  const redis = createRedis(config, {
    lazyConnect: true,
    connectTimeout: connectTimeoutMs,
    commandTimeout: commandTimeoutMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let connectionFault = '';
  redis.on('error', (error) => {
    connectionFault = messageOf(error);
  });
  try {
    await redis.connect();
    for (let index = 0; index < options.count; index += chunkProfiles) {
      await storeChunk(redis, index, Math.min(index + chunkProfiles, options.count), options.seed);
    }
  } catch (error) {
    const why = connectionFault || messageOf(error);
    throw new HeliosError(
      'PROFILE_STORE_UNAVAILABLE',
      `Redis at ${addressOf(config)} cannot be used: ${why}. Check REDIS_HOST, REDIS_PORT, the credentials, REDIS_TLS and the server.`,
      {},
      error,
    );
  } finally {
    redis.disconnect();
  }
}

async function storeChunk(redis: Redis, start: number, end: number, seed: number): Promise<void> {
  const keysAndValues: string[] = [];
  for (let index = start; index < end; index++) {
    keysAndValues.push(userIdAt(index), JSON.stringify(mockProfile(index, seed)));
  }
  await redis.mset(keysAndValues);
}

/** The options, or a sentence that says what is wrong with them. */
function readArguments(argv: readonly string[]): { help: boolean; count: number; seed: number } | string {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        count: { type: 'string', default: '10' },
        seed: { type: 'string', default: '1' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const count = wholeNumber(values.count, 1, 10_000_000);
    if (count === null) return `--count is ${JSON.stringify(values.count)}: it accepts a whole number from 1 to 10000000.`;
    const seed = wholeNumber(values.seed, 0, 2_147_483_647);
    if (seed === null) return `--seed is ${JSON.stringify(values.seed)}: it accepts a whole number from 0 to 2147483647.`;
    return { help: values.help, count, seed };
  } catch (error) {
    return `${messageOf(error)} See --help.`;
  }
}

function wholeNumber(text: string, min: number, max: number): number | null {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : null;
}

function addressOf(config: RedisConfig): string {
  return `${config.redisHost}:${config.redisPort}`;
}

function complain(sentence: string, exitCode: number): number {
  process.stderr.write(`seed: ${sentence}\n`);
  return exitCode;
}

const startedFile = process.argv[1];
if (startedFile !== undefined && existsSync(startedFile) && realpathSync(startedFile) === fileURLToPath(import.meta.url)) {
  process.exitCode = await seedMain(process.argv.slice(2), process.env);
}
