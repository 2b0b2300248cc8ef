/**
 * `npm start`: locks the folder, checks the ports, starts the embedded parts, migrates, starts the services, sends a gentle stream of bids,
 * shows one live line, and stops everything in the order in which bids travel, so that what was answered 202 reaches the database.
 * Whatever happens on the way, no process of its own outlives it. Source: spec section 6.
 */
import { mkdirSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { groupDefaults, topicDefaults } from '@helios/proto/topics';
import { loadConfig } from '@helios/runtime/config';
import { kafkaSettings } from '@helios/runtime/settings';
import { untilDrained } from './drain.js';
import { figuresBetween, liveLine, totalsOf, type Totals } from './live-line.js';
import { MOCK_PARTITIONS } from './mock-cluster.js';
import { parseMetrics, type Scrape } from './metrics-text.js';
import { type DatabaseFacts, Pipeline } from './pipeline.js';
import { portFaults } from './ports.js';
import { takeLock } from './run-lock.js';
import { portsNeeded, type Role, serviceTable } from './services.js';
import type { StartOptions } from './start-options.js';
import { StopRequest, StopRequested } from './stop-request.js';
import type { Terminal } from './terminal.js';
import { startTraffic, type Traffic } from './traffic.js';

const LIVE_EVERY_MS = 1000;
const LIVE_WINDOW = 10;
const LOG_FOLLOW_MS = 250;
const SAME_KEY_PRESS_MS = 500;
const DRAIN_LIMIT_MS = 20_000;
/** Without a broker the services have nothing left to finish. */
const STOP_WITHOUT_BROKER_MS = 3000;
const LIVE_ROLES: readonly Role[] = ['ingest', 'bidder', 'auction', 'writer'];

/** Runs until asked to stop. @returns the exit code: 0 stopped as asked, 1 failed, 78 wrong configuration, 130 forced. */
export async function launch(given: StartOptions, root: string, terminal: Terminal): Promise<number> {
  const options = { ...given, stateFolder: resolve(given.stateFolder) };
  mkdirSync(options.stateFolder, { recursive: true });
  const lock = takeLock(options.stateFolder);
  if ('heldBy' in lock) {
    terminal.say(
      `Helios already runs in ${options.stateFolder} (process ${lock.heldBy}). Stop it first, or choose another folder with --data and other ports.`,
    );
    return 1;
  }
  const stop = new StopRequest();
  const pipeline = new Pipeline(options, root, stop, (text) => terminal.say(text));
  const unwatch = watchSignals(stop, terminal, () => {
    pipeline.killAll();
    pipeline.close();
    lock.release();
  });
  const launcher = new Launcher(options, pipeline, stop, terminal);
  try {
    await launcher.run();
  } catch (error) {
    if (!(error instanceof StopRequested))
      stop.request(1, `Helios did not start: ${error instanceof Error ? error.message : String(error)}`);
  }
  try {
    await launcher.end();
  } finally {
    pipeline.killAll();
    pipeline.close();
    lock.release();
    unwatch();
  }
  return stop.exitCode;
}

class Launcher {
  readonly #options: StartOptions;
  readonly #pipeline: Pipeline;
  readonly #stop: StopRequest;
  readonly #terminal: Terminal;
  #traffic: Traffic | undefined;
  #timer: NodeJS.Timeout | undefined;
  #complete = false;

  constructor(options: StartOptions, pipeline: Pipeline, stop: StopRequest, terminal: Terminal) {
    this.#options = options;
    this.#pipeline = pipeline;
    this.#stop = stop;
    this.#terminal = terminal;
  }

  /** Starts everything, then shows the live line until the stop is requested. */
  async run(): Promise<void> {
    const { external } = this.#options;
    const faults = await portFaults(this.#options.bindHost, portsNeeded(serviceTable(this.#options, { bootstrap: null, database: null })));
    if (faults.length > 0)
      throw new Error(
        `${faults.length === 1 ? 'a port is' : `${faults.length} ports are`} not free.\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
      );
    this.#watchLogs();
    const parts = [...(external.kafka ? [] : ['the embedded broker']), ...(external.database ? [] : ['PostgreSQL'])];
    if (parts.length > 0) this.#terminal.say(`Starting ${parts.join(' and ')} ...`);
    const database = await this.#stop.orStop(this.#pipeline.startParts());
    if (database?.movedBecause) this.#terminal.say(`The database is in ${database.dataFolder}: ${database.movedBecause}.`);
    this.#terminal.say('Preparing the database and starting the services ...');
    await this.#stop.orStop(this.#pipeline.migrate());
    await this.#stop.orStop(this.#pipeline.startServices());
    this.#complete = true;
    this.#terminal.say(this.#announcement(database));
    const { trafficPerSecond, localHost, ports } = this.#options;
    if (trafficPerSecond > 0) this.#traffic = startTraffic(`http://${localHost}:${ports.ingest}/bid`, trafficPerSecond);
    await this.#showLive();
  }

  /** Stops in the order of the bid's path; only a complete, embedded pipeline has events that must not be left behind. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    this.#terminal.endLive();
    if (this.#stop.sentence !== null) this.#terminal.say(this.#stop.sentence);
    if (this.#pipeline.children.length === 0) return;
    const brokerLost = this.#pipeline.children.some((child) => child.spec.name === 'broker' && child.pid === null);
    this.#terminal.say(this.#complete ? 'Stopping; a second Ctrl-C stops at once.' : 'Stopping what was started ...');
    await this.#traffic?.stop();
    if (brokerLost || !this.#complete) {
      await this.#pipeline.stop(['ingest', 'bidder', 'auction', 'writer', 'api', 'profile-svc', 'dashboard'], STOP_WITHOUT_BROKER_MS);
    } else {
      await this.#pipeline.stop(['ingest']);
      await this.#stopConsumers();
      await this.#pipeline.stop(['api', 'profile-svc', 'dashboard']);
    }
    await this.#pipeline.stop(['broker']);
    // The database ends last and takes its time: its data must be complete.
    await this.#pipeline.stop(['database'], 30_000);
    this.#terminal.say('Stopped.');
  }

  /** Each hop stops once it has handled all that the one before it wrote. */
  async #stopConsumers(): Promise<void> {
    const { env } = this.#options;
    const topicOf = (name: keyof typeof topicDefaults) => env[name] ?? topicDefaults[name];
    const hops = [
      { role: 'bidder', topic: topicOf('KAFKA_TOPIC_BID_REQUESTS'), groupId: groupDefaults.bidder },
      { role: 'auction', topic: topicOf('KAFKA_TOPIC_BID_RESPONSES'), groupId: groupDefaults.auction },
      { role: 'writer', topic: topicOf('KAFKA_TOPIC_AUCTION_OUTCOMES'), groupId: groupDefaults.writer },
    ] as const;
    const deadlineMonoMs = performance.now() + DRAIN_LIMIT_MS;
    for (const { role, topic, groupId } of hops) {
      const brokers = this.#pipeline.bootstrap;
      if (brokers !== null) {
        const kafka = loadConfig({ service: 'start', schema: kafkaSettings, env: { KAFKA_BROKERS: brokers }, knownVariables: [] });
        const left = await untilDrained({ topic, groupId }, kafka, MOCK_PARTITIONS, deadlineMonoMs);
        if (left !== 0)
          this.#terminal.say(
            `${left ?? 'An unknown number of'} events of ${topic} were not handled by ${role} within ${DRAIN_LIMIT_MS / 1000} s; they end with the embedded broker.`,
          );
      }
      await this.#pipeline.stop([role]);
    }
  }

  async #showLive(): Promise<void> {
    const services = this.#pipeline.services.filter((service) => LIVE_ROLES.includes(service.role));
    const scrapes = new Map<string, Scrape>();
    const window: Totals[] = [];
    while (!this.#stop.signal.aborted) {
      await Promise.all(
        services.map(async (service) => {
          const text = await this.#pipeline.metricsOf(service);
          if (text !== null) scrapes.set(service.name, parseMetrics(text));
        }),
      );
      window.push(totalsOf([...scrapes.values()], performance.now()));
      if (window.length > LIVE_WINDOW + 1) window.shift();
      const [first] = window;
      const last = window.at(-1);
      if (first !== undefined && last !== undefined && window.length > 1 && !this.#stop.signal.aborted)
        this.#terminal.live(liveLine(figuresBetween(first, last)));
      await this.#stop.pause(LIVE_EVERY_MS);
    }
  }

  /** Keeps log files small, and prints what is new in them when asked to. */
  #watchLogs(): void {
    this.#timer = setInterval(() => {
      for (const child of this.#pipeline.children) {
        if (this.#options.printLogs) {
          const text = child.log.follow().trimEnd();
          if (text !== '') this.#terminal.say(text);
        }
        child.log.rotate();
      }
    }, LOG_FOLLOW_MS);
  }

  #announcement(database: DatabaseFacts | null): string {
    const { localHost, ports, external, stateFolder, trafficPerSecond } = this.#options;
    const logs = relative(process.cwd(), stateFolder) || '.';
    const embedded = [
      ...(external.kafka ? [] : ['the broker']),
      ...(external.redis ? [] : ['the profile store']),
      ...(external.database ? [] : ['the database']),
    ];
    const lines = [
      '',
      'Helios runs.',
      `  bids       POST http://${localHost}:${ports.ingest}/bid`,
      `  outcomes   http://${localHost}:${ports.api}/api/outcomes/`,
      `  dashboard  http://${localHost}:${ports.dashboard}/`,
      `  metrics    ${this.#pipeline.services.map((service) => `${service.name} :${service.adminPort}`).join(', ')} (/metrics, /readyz)`,
      `  logs       ${logs}/logs/`,
      ...(database === null
        ? []
        : [
            `  database   ${database.host}:${database.port}, user ${database.user}, password in ${relative(process.cwd(), database.passwordFile)}`,
          ]),
      '',
      `Send a bid request:  npm run -s generate | curl -X POST -d @- http://${localHost}:${ports.ingest}/bid`,
      trafficPerSecond > 0
        ? `${trafficPerSecond} generated bid requests per second are sent already (npm start -- --traffic 0 turns them off).`
        : 'No generated bid requests are sent (--traffic 0).',
    ];
    if (embedded.length > 0) {
      lines.push(
        `Embedded: ${embedded.join(', ')}. This is for trying out and developing${external.kafka ? '' : ': the embedded broker keeps events in memory only'}.`,
        'On real servers: KAFKA_BROKERS=host:9092 REDIS_HOST=host DB_HOST=host npm start (any of the three; docs/configuration.md lists the rest).',
      );
    }
    return `${lines.join('\n')}\n`;
  }
}

/** The first Ctrl-C or SIGTERM asks for an orderly stop, the second ends everything at once. */
function watchSignals(stop: StopRequest, terminal: Terminal, force: () => void): () => void {
  let firstMonoMs = 0;
  const onSignal = () => {
    if (!stop.signal.aborted) {
      firstMonoMs = performance.now();
      return stop.request(0, null);
    }
    // One Ctrl-C under npm arrives twice: from the terminal, and passed on by npm.
    if (performance.now() - firstMonoMs < SAME_KEY_PRESS_MS) return;
    terminal.endLive();
    terminal.say('Stopped at once; what was in flight is lost.');
    force();
    process.exit(130);
  };
  // A closed terminal is a request to stop, too.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
}
