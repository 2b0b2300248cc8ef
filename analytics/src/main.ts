import { loadConfig } from '@helios/runtime/config';
import { HeliosError, messageOf } from '@helios/runtime/errors';
import { knownVariables } from '@helios/runtime/gen/known-variables';
import { createLogger } from '@helios/runtime/log';
import { EXIT_CONFIG, runService } from '@helios/runtime/service';
import { databaseFaults } from './database-settings.js';

/**
 * `analytics writer` (topic auction_outcomes -> PostgreSQL), `analytics api` (PostgreSQL -> HTTP), `analytics migrate` (makes the tables
 * and ends). Run `migrate` first; the writer waits, and the API answers 503, until the tables are there. A role loads its own modules only:
 * the API's take half a second, which a writer that is started anew does not wait for.
 */

const [role = ''] = process.argv.slice(2);

if (role === 'writer') {
  const [{ startWriter }, { writerFaults, writerSettings }] = await Promise.all([
    import('./writer/start.js'),
    import('./writer/settings.js'),
  ]);
  await runService({ service: 'writer', schema: writerSettings, check: writerFaults }, process.env, startWriter);
} else if (role === 'api') {
  const [{ startApi }, { apiFaults, apiSettings }] = await Promise.all([import('./api/start.js'), import('./api/settings.js')]);
  await runService({ service: 'analytics-api', schema: apiSettings, check: apiFaults }, process.env, startApi);
} else if (role === 'migrate') {
  process.exitCode = await runMigrations(process.env);
} else {
  process.stderr.write(
    `Run one of: analytics writer, analytics api, analytics migrate (got ${role === '' ? 'nothing' : JSON.stringify(role)}).\n`,
  );
  process.exitCode = EXIT_CONFIG;
}

/** Migrates and returns the exit code: 0 done, 1 failed, 78 wrong configuration. */
async function runMigrations(env: NodeJS.ProcessEnv): Promise<number> {
  try {
    const { migrate, migrateSettings } = await import('./migrate.js');
    const config = loadConfig({ service: 'migrate', schema: migrateSettings, env, knownVariables, check: databaseFaults });
    const log = createLogger('migrate', config.logLevel);
    const ran = await migrate(config, log);
    log.info({ ran }, 'database migrated');
    return 0;
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    return error instanceof HeliosError && error.code === 'CONFIG_INVALID' ? EXIT_CONFIG : 1;
  }
}
