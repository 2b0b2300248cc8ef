import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { SlowClientsTally, SlowClientsTask, SlowKind } from './slow-clients.js';

/** The thread of slow clients: opens them, lets them be slow, tells how they ended, and ends. */

/** Connections opened at once: the listen queue of ingest holds 512. */
const OPEN_AT_ONCE = 50;
/** When a reader reads what is left, to see whether its connection was closed. */
const READ_ON_MS = 15_000;
/** Clients act in turns, so that a second's bytes do not come all at once. */
const PULSE_MS = 20;
const PULSES_A_SECOND = 50;
const INVALID = 'POST /bid HTTP/1.1\r\nHost: ingest\r\nContent-Length: 2\r\n\r\n{}';
const DEAF_BLOCK = Buffer.from(INVALID.repeat(100));

const first: Record<SlowKind, string> = {
  head: 'POST /bid HTTP/1.1\r\nHost: ingest\r\nX-Slow: ',
  body: 'POST /bid HTTP/1.1\r\nHost: ingest\r\nContent-Length: 100000\r\n\r\n',
  reader: INVALID,
  deaf: INVALID,
};

class SlowClients {
  refused = 0;
  closed = 0;
  slowestCloseMs = 0;
  readonly #port: number;
  readonly #kind: SlowKind;
  readonly #open = new Set<{ readonly socket: Socket; readonly phase: number }>();
  #pulses = 0;

  constructor(port: number, kind: SlowKind) {
    this.#port = port;
    this.#kind = kind;
  }

  /** Opens `count` clients and lets them be slow until all are closed, or `limitMs` after the last came. */
  async run({ count, openEveryMs, limitMs }: SlowClientsTask): Promise<void> {
    const pulse = setInterval(() => this.#pulse(), PULSE_MS);
    for (let opened = 0; opened < count; opened++) {
      this.#connect(opened % PULSES_A_SECOND);
      if (opened % OPEN_AT_ONCE === OPEN_AT_ONCE - 1) await sleep(openEveryMs);
    }
    const openedMonoMs = performance.now();
    const deadlineMonoMs = openedMonoMs + limitMs;
    let reading = this.#kind !== 'reader';
    while (this.#open.size > 0 && performance.now() < deadlineMonoMs) {
      await sleep(20);
      if (reading || performance.now() < openedMonoMs + READ_ON_MS) continue;
      // A close is seen behind the last byte only.
      reading = true;
      for (const { socket } of this.#open) socket.resume();
    }
    clearInterval(pulse);
    for (const { socket } of this.#open) socket.removeAllListeners('close').destroy();
  }

  #connect(phase: number): void {
    const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true });
    let connectedMonoMs = 0;
    const client = { socket, phase };
    this.#open.add(client);
    // Nothing is read but what a pulse reads.
    socket.pause();
    socket.on('connect', () => {
      connectedMonoMs = performance.now();
      socket.write(first[this.#kind]);
    });
    // A reset is told of by the close that follows it.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#open.delete(client);
      if (connectedMonoMs === 0) this.refused++;
      else {
        this.closed++;
        this.slowestCloseMs = Math.max(this.slowestCloseMs, performance.now() - connectedMonoMs);
      }
    });
  }

  /** A deaf client sends all the time, each of the others acts once a second: every pulse it is the turn of some of them. */
  #pulse(): void {
    const turn = this.#pulses++ % PULSES_A_SECOND;
    for (const { socket, phase } of this.#open) {
      if (socket.connecting || socket.destroyed) continue;
      if (this.#kind === 'deaf') {
        if (socket.writableLength === 0) socket.write(DEAF_BLOCK);
      } else if (phase === turn) {
        if (this.#kind === 'reader') socket.read(1);
        else socket.write('x');
      }
    }
  }
}

const port = parentPort;
if (port === null) throw new Error('slow-clients-thread runs as a worker thread of runSlowClients');
const task = workerData as SlowClientsTask;
const clients = new SlowClients(task.port, task.kind);
await clients.run(task);
const { refused, closed, slowestCloseMs } = clients;
port.postMessage({ refused, closed, slowestCloseMs } satisfies SlowClientsTally);
