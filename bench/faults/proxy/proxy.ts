import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, SOCKET_BUFFER_BYTES } from './connection.js';
import { checkFault, dropsOnHeal, type Fault } from './fault.js';
import type { Tally } from './flow.js';
import { Shaper } from './shape.js';

export interface ProxyStats {
  /** Connections of which at least one side is not closed yet. */
  readonly open: number;
  /** Connections accepted since the start, those that were reset at once included. */
  readonly accepted: number;
  /** Bytes that were passed on, from clients to the server. */
  readonly bytesUp: number;
  /** Bytes that were passed on, from the server to clients. */
  readonly bytesDown: number;
  readonly corruptedBytes: number;
  /** Bytes that are held back at the moment. */
  readonly heldUpBytes: number;
  readonly heldDownBytes: number;
  /** Bytes that were taken and never passed on. */
  readonly droppedUpBytes: number;
  readonly droppedDownBytes: number;
  /** Connections that the listener could not accept (descriptors used up, for instance). */
  readonly acceptErrors: number;
}

/** Far above what any of the pipeline's servers is asked for; a client that reconnects without end must not use up memory. */
const CONNECTIONS_MAX = 8192;
/** A port of the ephemeral range may be lent to somebody's outgoing connection while nothing listens on it. */
const RELISTEN_LIMIT_MS = 5000;
const RELISTEN_PAUSE_MS = 25;

/**
 * A TCP proxy on 127.0.0.1 that is healthy, or has one fault.
 * States: listening (healthy or any fault but `refuse`), refusing (no listener), closed (for good).
 * Its calls must not overlap: the caller awaits one before the next.
 */
export class Proxy {
  #upstreamPort: number;
  #listenPort: number;
  #listener: Server | null = null;
  #fault: Fault | undefined;
  #shaper = new Shaper(undefined);
  #accepted = 0;
  #acceptErrors = 0;
  readonly #connections = new Set<Connection>();
  readonly #tally = { up: emptyTally(), down: emptyTally() };

  /** `listenPort` 0: a free one. */
  constructor(upstreamPort: number, listenPort = 0) {
    this.#upstreamPort = upstreamPort;
    this.#listenPort = listenPort;
  }

  /** Listens; returns the port. Rejects with the system's error when the port is taken. */
  async open(): Promise<number> {
    await this.#listen();
    return this.#listenPort;
  }

  /** In force for existing and new connections when it resolves. What an earlier fault held back goes on under this one. */
  async set(fault: Fault): Promise<void> {
    checkFault(fault);
    // First of all, or what an earlier fault held back would still get out.
    const closed = fault.kind === 'refuse' || fault.kind === 'reset' ? this.#resetAll() : null;
    this.#enforce(fault);
    await Promise.all([closed, fault.kind === 'refuse' ? this.#stopListening() : this.#listenAgain()]);
  }

  /** Ends the fault: what it held back is delivered or its connections are reset, as the fault says. Rejects when the port was taken away. */
  async heal(): Promise<void> {
    if (this.#fault !== undefined && dropsOnHeal(this.#fault)) await this.#resetAll();
    this.#enforce(undefined);
    await this.#listenAgain();
  }

  /** Where connections lead from now on; those that exist stay where they are. */
  set upstreamPort(port: number) {
    this.#upstreamPort = port;
  }

  get stats(): ProxyStats {
    const { up, down } = this.#tally;
    return {
      open: this.#connections.size,
      accepted: this.#accepted,
      bytesUp: up.passedBytes,
      bytesDown: down.passedBytes,
      corruptedBytes: up.corruptedBytes + down.corruptedBytes,
      heldUpBytes: up.heldBytes,
      heldDownBytes: down.heldBytes,
      droppedUpBytes: up.droppedBytes,
      droppedDownBytes: down.droppedBytes,
      acceptErrors: this.#acceptErrors,
    };
  }

  /** Resets what is open and stops listening. */
  async close(): Promise<void> {
    await Promise.all([this.#stopListening(), this.#resetAll()]);
  }

  #enforce(fault: Fault | undefined): void {
    this.#fault = fault;
    this.#shaper = new Shaper(fault);
    for (const connection of this.#connections) this.#enforceOn(connection);
  }

  #enforceOn(connection: Connection): void {
    if (this.#fault?.kind !== 'blackhole') connection.connect(this.#upstreamPort);
    connection.shape(this.#shaper);
  }

  #accept(client: Socket): void {
    this.#accepted++;
    const connection = new Connection(this.#accepted, client, this.#tally);
    this.#connections.add(connection);
    void connection.over.then(() => this.#connections.delete(connection));
    if (this.#fault?.kind === 'reset' || this.#fault?.kind === 'refuse') connection.reset();
    else this.#enforceOn(connection);
  }

  /** Resolves when the last of them is closed. */
  async #resetAll(): Promise<void> {
    const closing = [...this.#connections];
    for (const connection of closing) connection.reset();
    await Promise.all(closing.map((connection) => connection.over));
  }

  async #listenAgain(): Promise<void> {
    const giveUpMonoMs = performance.now() + RELISTEN_LIMIT_MS;
    while (this.#listener === null) {
      try {
        await this.#listen();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || performance.now() > giveUpMonoMs) throw error;
        await sleep(RELISTEN_PAUSE_MS);
      }
    }
  }

  #listen(): Promise<void> {
    const listener = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: SOCKET_BUFFER_BYTES });
    listener.maxConnections = CONNECTIONS_MAX;
    listener.on('connection', (client) => this.#accept(client));
    return new Promise((resolve, reject) => {
      listener.once('error', reject);
      listener.listen({ port: this.#listenPort, host: '127.0.0.1', backlog: 1024 }, () => {
        const address = listener.address();
        if (typeof address !== 'object' || address === null) return reject(new Error('the listener has no port'));
        listener.off('error', reject);
        listener.on('error', () => this.#acceptErrors++);
        this.#listenPort = address.port;
        this.#listener = listener;
        resolve();
      });
    });
  }

  /** The port is closed when this returns; resolves when the listener's connections are closed too. */
  #stopListening(): Promise<void> {
    const listener = this.#listener;
    this.#listener = null;
    return new Promise((resolve) => {
      if (listener === null) return resolve();
      listener.close(() => resolve());
    });
  }
}

function emptyTally(): Tally {
  return { passedBytes: 0, corruptedBytes: 0, heldBytes: 0, droppedBytes: 0 };
}
