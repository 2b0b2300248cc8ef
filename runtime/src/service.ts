import type { Logger } from 'pino';
import { type AdminServer, Health, startAdminServer } from './admin-server.js';
import { type ConfigOf, loadConfig, type LoadOptions, type Schema } from './config.js';
import { HeliosError, messageOf } from './errors.js';
import { knownVariables } from './gen/known-variables.js';
import { createLogger } from './log.js';
import { Metrics } from './metrics.js';

/**
 * The life of one Helios process: read the configuration, start, serve the admin port, stop in order on SIGTERM or SIGINT.
 *
 * States: starting -> running -> stopping -> gone. Exit codes: 0 stopped in time, 1 fault or stop past its limit, 78 wrong configuration
 * (EX_CONFIG of sysexits.h; a supervisor need not restart it).
 */

export const EXIT_CONFIG = 78;
const VERSION = '0.1.0';
const STOP_LIMIT_MS = 9_500;

export interface ServiceHost<C> {
  readonly config: C;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  /** Ends the process with exit code 1, for its supervisor to restart: for faults that only a new process mends. */
  readonly fail: (error: Error) => void;
}

/** What a started service gives back: `stop` stops taking, finishes what is in flight, flushes, commits and releases its port. */
export interface RunningService {
  stop(): Promise<void>;
}

interface CommonConfig {
  readonly bindHost: string;
  readonly adminPort: number;
  readonly logLevel: string;
}

type Definition<S extends Schema> = Omit<LoadOptions<S>, 'env' | 'knownVariables'>;

/**
 * Runs one service to its end; never returns to a caller that would go on.
 * With `HELIOS_EXIT_WITH_PARENT=1` the service also stops when its standard input closes: a launcher that is killed leaves nothing behind.
 */
export async function runService<S extends Schema>(
  definition: Definition<S>,
  env: NodeJS.ProcessEnv,
  start: (host: ServiceHost<ConfigOf<S>>) => Promise<RunningService>,
): Promise<void> {
  let log: Logger | undefined;
  try {
    const config = loadConfig({ ...definition, env, knownVariables });
    const common = config as unknown as CommonConfig;
    log = createLogger(definition.service, common.logLevel);
    const metrics = new Metrics(definition.service, VERSION);
    const health = new Health();
    const admin = await startAdminServer({ host: common.bindHost, port: common.adminPort, health, metrics });
    const life = new Life(definition.service, log, health, admin);
    life.watch(env['HELIOS_EXIT_WITH_PARENT'] === '1');
    const running = await start({ config, log, metrics, health, fail: (error) => life.fail(error) });
    life.running(running);
    log.info({ admin: `http://${common.bindHost}:${admin.port}` }, 'service started');
  } catch (error) {
    exitOnStartFault(definition.service, error, log);
  }
}

class Life {
  readonly #service: string;
  readonly #log: Logger;
  readonly #health: Health;
  readonly #admin: AdminServer;
  #running: RunningService | undefined;
  #stopping = false;

  constructor(service: string, log: Logger, health: Health, admin: AdminServer) {
    this.#service = service;
    this.#log = log;
    this.#health = health;
    this.#admin = admin;
  }

  watch(exitWithParent: boolean): void {
    process.on('SIGTERM', () => void this.stop('SIGTERM'));
    process.on('SIGINT', () => void this.stop('SIGINT'));
    process.on('uncaughtException', (error) => this.fail(error));
    process.on('unhandledRejection', (reason) => this.fail(reason instanceof Error ? reason : new Error(String(reason))));
    if (!exitWithParent) return;
    process.stdin.on('end', () => void this.stop('the parent process is gone'));
    process.stdin.on('error', () => void this.stop('the parent process is gone'));
    process.stdin.resume();
  }

  running(service: RunningService): void {
    this.#running = service;
    this.#health.started();
  }

  async stop(why: string): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#health.set('shutdown', 'stopping');
    this.#log.info({ why }, 'service stopping');
    const limit = setTimeout(() => {
      this.#log.error({ limitMs: STOP_LIMIT_MS }, 'service did not stop in time');
      process.exit(1);
    }, STOP_LIMIT_MS);
    try {
      await this.#running?.stop();
      await this.#admin.close();
    } catch (error) {
      this.#log.error({ err: messageOf(error) }, 'service failed to stop cleanly');
      process.exit(1);
    }
    clearTimeout(limit);
    this.#log.info('service stopped');
    process.exit(0);
  }

  fail(error: Error): void {
    const fields = error instanceof HeliosError ? { code: error.code, ...error.fields } : {};
    this.#log.fatal({ err: error.message, stack: error.stack, ...fields }, `${this.#service} failed`);
    process.exit(1);
  }
}

function exitOnStartFault(service: string, error: unknown, log: Logger | undefined): never {
  const misconfigured = error instanceof HeliosError && ['CONFIG_INVALID', 'PORT_TAKEN', 'NATIVE_MODULE_MISSING'].includes(error.code);
  // Configuration faults are for the person at the terminal: plain sentences, beside the JSON line.
  process.stderr.write(`${messageOf(error)}\n`);
  log?.fatal(
    {
      err: messageOf(error),
      ...(error instanceof HeliosError ? { code: error.code } : { stack: error instanceof Error ? error.stack : '' }),
    },
    `${service} did not start`,
  );
  process.exit(misconfigured ? EXIT_CONFIG : 1);
}
