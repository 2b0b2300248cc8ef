/**
 * `npm start` and `npm run stack`: locks the folder, checks the ports, starts the servers, prepares them, starts the services, sends a gentle
 * stream of bids, shows one live line, and stops everything in the order in which bids travel, so that what was answered 202 reaches the
 * database. Whatever happens on the way, no process of its own outlives it. Source: spec section 6.
 */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { groupDefaults, topicDefaults } from '@helios/proto/topics';
import { loadConfig } from '@helios/runtime/config';
import { kafkaSettings } from '@helios/runtime/settings';
import { announcement } from './announcement.js';
import { EXIT_CONFIG } from './child.js';
import { untilDrained } from './drain.js';
import { type Foundation, noParts } from './foundation.js';
import { figuresBetween, liveLine, totalsOf, type Totals } from './live-line.js';
import { parseMetrics, type Scrape } from './metrics-text.js';
import { Pipeline } from './pipeline.js';
import { portFaults } from './ports.js';
import { takeLock } from './run-lock.js';
import { portsNeeded, type Role, serviceTable } from './services.js';
import { readStartOptions, type StartCommand, startHelp, type StartOptions } from './start-options.js';
import { StopRequest, StopRequested } from './stop-request.js';
import { Terminal } from './terminal.js';
import { startTraffic, type Traffic } from './traffic.js';

const LIVE_EVERY_MS = 1000;
const LIVE_WINDOW = 10;
const LOG_FOLLOW_MS = 250;
const SAME_KEY_PRESS_MS = 500;
const DRAIN_LIMIT_MS = 20_000;
/** Without a broker the services have nothing left to finish. */
const STOP_WITHOUT_BROKER_MS = 3000;
const LIVE_ROLES: readonly Role[] = ['ingest', 'bidder', 'auction', 'writer'];

/** Makes what the services stand on, once the data folder is there and locked; `say` prints a sentence for the person at the terminal. */
export type MakeFoundation = (options: StartOptions, say: (sentence: string) => void) => Promise<Foundation>;

/** Reads flags and environment, then launches. @returns the exit code. @throws UsageError on a flag that cannot be used. */
export async function runStart(
  command: StartCommand,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  root: string,
  makeFoundation: MakeFoundation,
): Promise<number> {
  const request = readStartOptions(command, args, env, join(root, '.helios'));
  if (request.help) {
    process.stdout.write(startHelp[command]);
    return 0;
  }
  if ('faults' in request) {
    const list = request.faults.map((fault) => `  - ${fault}`).join('\n');
    process.stderr.write(`Helios cannot start, ${request.faults.length} configuration fault(s):\n${list}\n`);
    return EXIT_CONFIG;
  }
  const code = await launch(request.options, root, new Terminal(process.stdout), makeFoundation);
  // Kept-alive connections and the Kafka client would hold the process for seconds after the last word.
  return process.exit(code);
}

/** Runs until asked to stop. @returns the exit code: 0 stopped as asked, 1 failed, 78 wrong configuration, 130 forced. */
async function launch(given: StartOptions, root: string, terminal: Terminal, makeFoundation: MakeFoundation): Promise<number> {
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
  const say = (text: string) => terminal.say(text);
  let pipeline: Pipeline | undefined;
  let launcher: Launcher | undefined;
  const cleanUp = () => {
    pipeline?.killAll();
    pipeline?.close();
    lock.release();
  };
  const unwatch = watchSignals(stop, terminal, cleanUp);
  try {
    const foundation = await stop.orStop(makeFoundation(options, say));
    pipeline = new Pipeline(options, foundation, root, stop, say);
    launcher = new Launcher(options, foundation, pipeline, stop, terminal);
    await launcher.run();
  } catch (error) {
    if (!(error instanceof StopRequested))
      stop.request(1, `Helios did not start: ${error instanceof Error ? error.message : String(error)}`);
  }
  try {
    if (launcher === undefined) terminal.say(stop.sentence ?? 'Stopped.');
    else await launcher.end();
  } finally {
    cleanUp();
    unwatch();
  }
  return stop.exitCode;
}

class Launcher {
  readonly #options: StartOptions;
  readonly #foundation: Foundation;
  readonly #pipeline: Pipeline;
  readonly #stop: StopRequest;
  readonly #terminal: Terminal;
  #traffic: Traffic | undefined;
  #timer: NodeJS.Timeout | undefined;
  #complete = false;

  constructor(options: StartOptions, foundation: Foundation, pipeline: Pipeline, stop: StopRequest, terminal: Terminal) {
    this.#options = options;
    this.#foundation = foundation;
    this.#pipeline = pipeline;
    this.#stop = stop;
    this.#terminal = terminal;
  }

  /** Starts everything, then shows the live line until the stop is requested. */
  async run(): Promise<void> {
    const faults = await portFaults(this.#options.bindHost, portsNeeded(serviceTable(this.#options, noParts)));
    if (faults.length > 0)
      throw new Error(
        `${faults.length === 1 ? 'a port is' : `${faults.length} ports are`} not free.\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
      );
    this.#watchLogs();
    const titles = this.#foundation.servers.map((server) => server.title);
    if (titles.length > 0) this.#terminal.say(`Starting ${new Intl.ListFormat('en-GB').format(titles)} ...`);
    await this.#stop.orStop(this.#pipeline.startServers());
    this.#terminal.say('Preparing the database and starting the services ...');
    await this.#stop.orStop(this.#pipeline.prepare());
    await this.#stop.orStop(this.#pipeline.startServices());
    this.#complete = true;
    this.#terminal.say(announcement(this.#options, this.#pipeline.services, this.#foundation, (name) => this.#pipeline.factsOf(name)));
    const { trafficPerSecond, localHost, ports } = this.#options;
    if (trafficPerSecond > 0) this.#traffic = startTraffic(`http://${localHost}:${ports.ingest}/bid`, trafficPerSecond);
    await this.#showLive();
  }

  /** Stops in the order of the bid's path; only a complete pipeline on the embedded broker has events that must not be left behind. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    this.#terminal.endLive();
    if (this.#stop.sentence !== null) this.#terminal.say(this.#stop.sentence);
    if (this.#pipeline.children.length === 0) return;
    const { brokers } = this.#foundation;
    const lost = this.#pipeline.children.filter((child) => brokers.includes(child.spec.name) && child.pid === null).length;
    const brokerLost = lost > 0 && lost === brokers.length;
    this.#terminal.say(this.#complete ? 'Stopping; a second Ctrl-C stops at once.' : 'Stopping what was started ...');
    await this.#traffic?.stop();
    if (brokerLost || !this.#complete) {
      await this.#pipeline.stop(['ingest', 'bidder', 'auction', 'writer', 'api', 'profile-svc', 'dashboard'], STOP_WITHOUT_BROKER_MS);
    } else {
      await this.#pipeline.stop(['ingest']);
      await this.#stopConsumers();
      await this.#pipeline.stop(['api', 'profile-svc', 'dashboard']);
    }
    await this.#pipeline.stopServers();
    this.#terminal.say('Stopped.');
  }

  /** Each hop stops once it has handled all that the one before it wrote, where the broker would not keep it for the next start. */
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
      const { drainPartitions } = this.#foundation;
      if (brokers !== null && drainPartitions !== null) {
        const kafka = loadConfig({ service: 'start', schema: kafkaSettings, env: { KAFKA_BROKERS: brokers }, knownVariables: [] });
        const left = await untilDrained({ topic, groupId }, kafka, drainPartitions, deadlineMonoMs);
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
