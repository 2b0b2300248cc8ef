import { readFileSync } from 'node:fs';
import { HeliosError, messageOf } from '@helios/runtime/errors';
import { Redis, type RedisOptions } from 'ioredis';
import type { RedisConfig } from './settings.js';

/** The only place where a connection to Redis is made: for the store and for the seed program. */

export type { Redis };

/**
 * A client that is about to connect, or will when its `connect` is called (`lazyConnect`).
 * @param behaviour what to do when Redis is slow or away; where it is and how to log in comes from the configuration.
 * @throws HeliosError CONFIG_INVALID when the file of REDIS_CA_LOCATION cannot be read.
 */
export function createRedis(config: RedisConfig, behaviour: Omit<RedisOptions, 'replyMapping'>): Redis {
  return new Redis({
    ...behaviour,
    host: config.redisHost,
    port: config.redisPort,
    ...(config.redisUsername === '' ? {} : { username: config.redisUsername }),
    ...(config.redisPassword === '' ? {} : { password: config.redisPassword }),
    ...(config.redisTls ? { tls: tlsOptions(config) } : {}),
    connectionName: 'helios-profile-svc',
  });
}

function tlsOptions(config: RedisConfig): { servername?: string; ca?: Buffer } {
  // A name for SNI and for the check of the certificate; Node refuses an address in its place.
  const servername = /^[\d.]+$|:/.test(config.redisHost) ? {} : { servername: config.redisHost };
  if (config.redisCaLocation === '') return servername;
  try {
    return { ...servername, ca: readFileSync(config.redisCaLocation) };
  } catch (error) {
    throw new HeliosError('CONFIG_INVALID', `REDIS_CA_LOCATION cannot be read: ${messageOf(error)}`, { path: config.redisCaLocation });
  }
}
