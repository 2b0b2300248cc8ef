import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PostedRequest } from '@helios/scripts/accounting/identity';
import { slotsOfBody } from '@helios/scripts/replay-input';

/**
 * As many bid requests as Helios answers, each with its answer kept. Prebuilt bodies over raw connections, so that the load costs less than
 * what it loads; every connection posts again as soon as it has its answer. For overload only: it says nothing about latency.
 */

export interface FloodOptions {
  readonly port: number;
  readonly connections: number;
  /** When to end, asked every second: what was accepted and what was answered at all, second by second so far. */
  readonly enough: (seconds: readonly FloodSecond[]) => boolean;
  /** The end in any case. */
  readonly secondsMax: number;
  /** Ids are this and a running number. */
  readonly prefix: string;
  /** Bodies that are sent in turns, each under an id of its own. */
  readonly templates: readonly BodyTemplate[];
}

export interface FloodResult {
  readonly posted: PostedRequest[];
  readonly seconds: readonly FloodSecond[];
}

export interface FloodSecond {
  accepted: number;
  answered: number;
}

/** A body whose id can be put in without encoding it anew. */
export interface BodyTemplate {
  readonly beforeId: string;
  readonly afterId: string;
  readonly slots: PostedRequest['slots'];
}

/** How long the answers still owed at the end are waited for; ingest gives every request one within its ack timeout. */
const LAST_ANSWERS_MS = 10_000;
const MARK = 'ID-GOES-HERE';
const HEAD_END = '\r\n\r\n';

export function templateOf(requestFor: (id: string) => Record<string, unknown>): BodyTemplate {
  const text = JSON.stringify(requestFor(MARK));
  const [beforeId = '', afterId = ''] = text.split(MARK);
  return { beforeId, afterId, slots: slotsOfBody(text)?.slots ?? [] };
}

export function flood(options: FloodOptions): Promise<FloodResult> {
  return new Flood(options).run();
}

interface Connection {
  readonly socket: Socket;
  /** Id and slots of the request that waits for an answer here. */
  waiting: { readonly id: string; readonly slots: PostedRequest['slots'] } | null;
  received: string;
}

class Flood {
  readonly #options: FloodOptions;
  readonly #posted: PostedRequest[] = [];
  readonly #seconds: FloodSecond[] = [];
  #sent = 0;
  #open = 0;
  #ending = false;

  constructor(options: FloodOptions) {
    this.#options = options;
  }

  async run(): Promise<FloodResult> {
    const { connections, enough, secondsMax } = this.#options;
    for (let index = 0; index < connections; index++) this.#connect();
    do {
      this.#seconds.push({ accepted: 0, answered: 0 });
      await sleep(1000);
    } while (this.#seconds.length < secondsMax && !enough(this.#seconds));
    this.#ending = true;
    const deadlineMonoMs = performance.now() + LAST_ANSWERS_MS;
    while (this.#open > 0 && performance.now() < deadlineMonoMs) await sleep(10);
    if (this.#open > 0) throw new Error(`${this.#open} connections had no answer ${LAST_ANSWERS_MS} ms after the last request`);
    return { posted: this.#posted, seconds: this.#seconds };
  }

  #connect(): void {
    const socket = connect({ host: '127.0.0.1', port: this.#options.port, noDelay: true });
    const connection: Connection = { socket, waiting: null, received: '' };
    this.#open++;
    socket.setEncoding('latin1');
    socket.on('connect', () => this.#post(connection));
    socket.on('data', (text: string) => this.#received(connection, text));
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => {
      this.#open--;
      if (connection.waiting !== null) this.#answered(connection, null);
      if (!this.#ending) this.#connect();
    });
  }

  #post(connection: Connection): void {
    if (this.#ending) return void connection.socket.end();
    const { templates, prefix } = this.#options;
    const template = templates[this.#sent % templates.length] as BodyTemplate;
    const id = `${prefix}${this.#sent++}`;
    const body = `${template.beforeId}${id}${template.afterId}`;
    connection.waiting = { id, slots: template.slots };
    connection.socket.write(`POST /bid HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${Buffer.byteLength(body)}${HEAD_END}${body}`);
  }

  #received(connection: Connection, text: string): void {
    connection.received += text;
    const headEnd = connection.received.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const length = Number(/content-length: (\d+)/i.exec(connection.received)?.[1] ?? 0);
    if (connection.received.length < headEnd + HEAD_END.length + length) return;
    const status = Number(connection.received.slice(9, 12));
    connection.received = '';
    this.#answered(connection, status);
    this.#post(connection);
  }

  #answered(connection: Connection, status: number | null): void {
    if (connection.waiting === null) throw new Error('an answer to no request');
    this.#posted.push({ ...connection.waiting, status });
    connection.waiting = null;
    if (this.#ending) return;
    const second = this.#seconds.at(-1) as FloodSecond;
    second.answered++;
    if (status === 202) second.accepted++;
  }
}
