import type { BidRequest } from '@helios/proto/bid-request';
import { BodyBuffer, type BodyMemory } from './body.js';
import { type HttpResponse, writeAccepted, writeProblem } from './answer.js';
import { type Problem, problems } from './problem.js';

/**
 * One HTTP request to `POST /bid`, from handler entry to its answer: it collects the body, hands it over once, and writes one answer.
 *
 * States: idle -> receiving (the body is on its way) -> handed over (whoever took the body answers) -> idle;
 * receiving -> draining (the body is read and dropped, the answer is known); receiving, draining, handed over -> refusing (the refusal is
 * written in the next turn of the event loop) -> idle; idle -> refusing (the head is enough); any of these -> idle when the client leaves,
 * refusing at its turn; receiving, draining or refusing -> retired when it is answered before its body ended: uWebSockets.js goes on
 * delivering that body to the same callbacks, so such an exchange is never used again.
 *
 * A refusal waits for the next turn because uWebSockets.js closes a connection that sends a request before the one before it is answered.
 * Answered at once, refused requests could be pipelined: half a megabyte of them, ten thousand requests, came up in one turn, and 40
 * connections that did so held up everybody else for seconds.
 *
 * Exchanges are reused and their callbacks are made once: a request costs no closure.
 */

/** What is read of uWebSockets.js' request, inside its handler only. */
export interface HttpRequest {
  getHeader(lowerCaseName: string): string;
  forEach(look: (lowerCaseName: string, value: string) => void): void;
}

/** Who decides about requests. */
export interface ExchangeOwner {
  /** The whole body; the buffer is good during the call only. The owner answers now or later. */
  bodyReceived(exchange: Exchange, body: Buffer): void;
  /** An answer is about to be written; the exchange still has its facts. */
  answering(exchange: Exchange, problem: Problem | null): void;
  /** The client left before the answer; nothing can be answered any more. */
  clientGone(exchange: Exchange): void;
  /** The owner calls `answerRefusal` once, in the next turn of the event loop. */
  refusalDue(exchange: Exchange): void;
  /** The exchange may be used for another request. */
  reusable(exchange: Exchange): void;
}

export interface ExchangeLimits {
  readonly maxBodyBytes: number;
  /** Bytes of a refused body that are read before the refusal is answered. */
  readonly drainMaxBytes: number;
  readonly tooLarge: Problem;
}

type State = 'idle' | 'receiving' | 'handed_over' | 'draining' | 'refusing' | 'retired';

export class Exchange {
  /** Handler entry. */
  startedMonoMs = 0;
  /** Since when Helios itself has been at work on it: handler entry, or the last piece of a body in pieces. */
  ownSinceMonoMs = 0;
  /** When `produce` returned. */
  producedMonoMs = 0;
  gzipped = false;
  /** A valid `traceparent`, or ''. */
  traceparent = '';
  requestId = '';
  /** The slot that waits for the delivery report, once the body is handed over and queued. */
  slot = -1;
  /** The request, kept only when its acceptance is to be logged. */
  logged: BidRequest | null = null;
  loggedBytes = 0;

  readonly #owner: ExchangeOwner;
  readonly #limits: ExchangeLimits;
  readonly #body: BodyBuffer;
  #state: State = 'idle';
  #response: HttpResponse | null = null;
  #bodyEnded = false;
  /** The body did not come with the head in one piece. */
  #inPieces = false;
  #drainedBytes = 0;
  #problem: Problem | null = null;
  /** A HEAD request: the answer has no body. */
  #bodiless = false;
  #answer = '';
  #closes = false;
  /** The client does not read: the answer was not written. */
  #unread = false;

  constructor(owner: ExchangeOwner, limits: ExchangeLimits, memory: BodyMemory) {
    this.#owner = owner;
    this.#limits = limits;
    this.#body = new BodyBuffer(limits.maxBodyBytes, memory);
  }

  /** Starts to read a body that will be handed over. */
  receive(response: HttpResponse, nowMonoMs: number): void {
    this.#start(response, nowMonoMs, 'receiving');
  }

  /** Starts to read and drop a body, of at most the drain limit, and answers `problem` then. */
  drain(response: HttpResponse, nowMonoMs: number, problem: Problem): void {
    this.#problem = problem;
    this.#start(response, nowMonoMs, 'draining');
  }

  /** Refuses a request for its head alone; a body is read and dropped by uWebSockets.js. `bodiless`: the method is HEAD. */
  refuseHead(response: HttpResponse, nowMonoMs: number, problem: Problem, bodiless: boolean): void {
    this.startedMonoMs = nowMonoMs;
    this.#response = response;
    this.#bodiless = bodiless;
    // No callback takes the body.
    this.#bodyEnded = true;
    response.onAborted(this.#onAborted);
    this.refuseSoon(problem);
  }

  /** Answers 202. */
  accept(answer: string, closes: boolean): void {
    this.#answer = answer;
    this.#closes = closes;
    this.#end(this.#writeAccepted, null);
  }

  /** Answers `problem`: for who is not called by uWebSockets.js itself. */
  refuse(problem: Problem): void {
    this.#problem = problem;
    this.#end(this.#writeProblem, problem);
  }

  /** Answers `problem` in the next turn of the event loop: for who is called while uWebSockets.js reads from the connection. */
  refuseSoon(problem: Problem): void {
    this.#problem = problem;
    this.#state = 'refusing';
    this.#body.clear();
    this.#owner.refusalDue(this);
  }

  /** Writes what `refuseSoon` was given, unless the client has left. */
  answerRefusal(): void {
    if (this.#response === null) this.#finish();
    else this.refuse(this.#problem as Problem);
  }

  #start(response: HttpResponse, nowMonoMs: number, state: State): void {
    this.startedMonoMs = nowMonoMs;
    this.ownSinceMonoMs = nowMonoMs;
    this.#response = response;
    this.#state = state;
    // First of all: uWebSockets.js ends the process when a handler returns without an answer and without this.
    response.onAborted(this.#onAborted);
    response.onData(this.#onData);
  }

  readonly #onData = (chunk: ArrayBuffer, isLast: boolean): void => {
    if (isLast) this.#bodyEnded = true;
    if (this.#state === 'receiving') this.#receive(chunk, isLast);
    else if (this.#state === 'draining') this.#drain(chunk.byteLength);
  };

  #receive(chunk: ArrayBuffer, isLast: boolean): void {
    if (!isLast) this.#inPieces = true;
    // The wait for the client is not Helios' own time.
    else if (this.#inPieces) this.ownSinceMonoMs = performance.now();
    if (isLast && this.#body.length === 0 && chunk.byteLength <= this.#limits.maxBodyBytes) {
      this.#handOver(Buffer.from(chunk));
      return;
    }
    if (chunk.byteLength > 0) {
      const received = this.#body.length;
      const appended = this.#body.append(chunk);
      if (appended === 'no_memory') return this.refuseSoon(problems.bodyMemoryFull);
      if (appended === 'too_large') {
        this.#body.clear();
        this.#problem = this.#limits.tooLarge;
        this.#state = 'draining';
        return this.#drain(received + chunk.byteLength);
      }
    }
    if (isLast) this.#handOver(this.#body.bytes());
  }

  #handOver(body: Buffer): void {
    this.#state = 'handed_over';
    this.#owner.bodyReceived(this, body);
    this.#body.clear();
  }

  #drain(bytes: number): void {
    this.#drainedBytes += bytes;
    if (this.#bodyEnded || this.#drainedBytes > this.#limits.drainMaxBytes) this.refuseSoon(this.#problem as Problem);
  }

  readonly #onAborted = (): void => {
    if (this.#response === null) return;
    this.#response = null;
    // After an abort uWebSockets.js calls nothing of this request any more.
    this.#bodyEnded = true;
    this.#owner.clientGone(this);
    // Its refusal is still due, and must find this exchange unused.
    if (this.#state !== 'refusing') this.#finish();
  };

  #end(write: () => void, problem: Problem | null): void {
    const response = this.#response as HttpResponse;
    this.#owner.answering(this, problem);
    response.cork(write);
    this.#response = null;
    // Answered with #response cleared: the abort that closing raises is not the client leaving.
    if (this.#unread) response.close();
    this.#unread = false;
    this.#finish();
  }

  #finish(): void {
    this.#body.clear();
    this.logged = null;
    this.requestId = '';
    this.traceparent = '';
    this.slot = -1;
    this.#problem = null;
    this.#bodiless = false;
    this.#drainedBytes = 0;
    this.#inPieces = false;
    if (!this.#bodyEnded) {
      this.#state = 'retired';
      return;
    }
    this.#bodyEnded = false;
    this.#state = 'idle';
    this.#owner.reusable(this);
  }

  readonly #writeAccepted = (): void => {
    this.#unread = !writeAccepted(this.#response as HttpResponse, this.#answer, this.#closes);
  };

  readonly #writeProblem = (): void => {
    this.#unread = !writeProblem(this.#response as HttpResponse, this.#problem as Problem, this.#bodiless);
  };
}
