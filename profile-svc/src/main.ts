import { LogSampler } from '@helios/runtime/log';
import { runService } from '@helios/runtime/service';
import { Lookup, registerMetrics } from './lookup.js';
import { MemoryStore } from './memory-store.js';
import { RedisStore } from './redis-store.js';
import { startProfileServer } from './server.js';
import { profileSettings, redisFaults } from './settings.js';

/**
 * profile-svc: the bidder asks it who a user is, over gRPC; it reads profiles from Redis (or made-up ones from memory).
 * Invariant: an unknown user is an empty profile, a store that fails or is late is UNAVAILABLE, and neither stands for the other.
 * It caches nothing and writes nothing.
 */
await runService({ service: 'profile-svc', schema: profileSettings, check: redisFaults }, process.env, async (host) => {
  const { config, log, metrics } = host;
  const store = config.store === 'redis' ? new RedisStore(config, log) : MemoryStore.ofMockProfiles(config.mockCount, config.mockSeed);
  const sampler = new LogSampler(config.logSampleRate, config.logMaxPerSecond);
  const lookup = new Lookup({ store, maxBatch: config.maxBatch, log, sampler });
  registerMetrics(metrics, lookup, store, sampler);
  const server = await startProfileServer({
    host: config.bindHost,
    port: config.profilePort,
    maxConnections: config.maxConnections,
    maxConcurrentStreams: config.maxConcurrentStreams,
    maxConnectionAgeMs: config.maxConnectionAgeMs,
    lookup,
    fail: (error) => host.fail(error),
  });
  metrics.gauge(
    'helios_profile_store_reads_limit',
    'Most reads of the store at once: PROFILE_REDIS_MAX_READS.',
    () => config.redisMaxReads,
  );
  metrics.gauge('helios_profile_connections', 'Connections to the gRPC port.', () => server.connections());
  metrics.gauge('helios_profile_connections_limit', 'Most of them at once: PROFILE_MAX_CONNECTIONS.', () => config.maxConnections);
  log.info({ address: `${config.bindHost}:${server.port}`, store: config.store }, 'profile service listens');
  return {
    async stop() {
      await server.stop();
      await store.close();
    },
  };
});
