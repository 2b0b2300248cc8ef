import { parseBidRequest } from '@helios/proto/bid-request';
import { acceptedTraceparent, traceIdOf } from '@helios/proto/traceparent';
import type { Logger, LogSampler } from '@helios/runtime/log';
import type { EventProducer, Refusal } from '@helios/runtime/kafka/producer';
import { Admission, type AdmissionOwner, NO_SLOT } from './admission.js';
import { BodyMemory } from './body.js';
import { EventHeaders } from './event-headers.js';
import type { HttpResponse } from './answer.js';
import { Exchange, type ExchangeLimits, type ExchangeOwner, type HttpRequest } from './exchange.js';
import { inflate } from './gzip.js';
import { type IngestMetrics, logEvents } from './ingest-metrics.js';
import { invalidProblem, malformedGzip, type Problem, problems, tooLargeProblem } from './problem.js';

/**
 * The decision on every bid request: what is taken is queued for Kafka and answered 202 when the broker acknowledged it; what is not is
 * answered with the reason. Invariant: no 202 without a delivery report free of error.
 */

/** Where bid requests go: what ingest needs of the Kafka producer. */
export type BidRequestSink = Pick<EventProducer, 'produce' | 'brokerSilenceMs' | 'inFlight' | 'close'>;

export interface IntakeOptions {
  readonly topic: string;
  readonly maxBodyBytes: number;
  readonly bodyMemoryMaxBytes: number;
  readonly maxInFlight: number;
  readonly ackTimeoutMs: number;
  readonly producer: Pick<BidRequestSink, 'produce'>;
  readonly counts: IngestMetrics;
  readonly sampler: LogSampler;
  readonly log: Logger;
}

/** A refused body is read up to here before the refusal, so that a client still writing gets to read it. Source: spec section 2.7. */
const DRAIN_MAX_BYTES = 1_048_576;
/** Exchanges kept for reuse; more than these come from a burst and are left to the garbage collector. */
const POOL_MAX_EXCHANGES = 4096;

const refusalProblems: Record<Exclude<Refusal, 'too_large'>, Problem> = {
  not_connected: problems.notConnected,
  queue_full: problems.queueFull,
  backlog_full: problems.backlogFull,
};

export class Intake implements ExchangeOwner, AdmissionOwner<Exchange> {
  /** New requests are refused and connections closed after their answer. */
  stopping = false;
  readonly admission: Admission<Exchange>;
  readonly bodyMemory: BodyMemory;
  readonly #options: IntakeOptions;
  readonly #limits: ExchangeLimits;
  readonly #headers = new EventHeaders();
  readonly #pool: Exchange[] = [];
  /** Refused in this turn of the event loop, answered in the next. */
  #refusals: Exchange[] = [];
  #rejectedCount = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.admission = new Admission(options.maxInFlight, options.ackTimeoutMs, this);
    this.bodyMemory = new BodyMemory(options.bodyMemoryMaxBytes);
    this.#limits = {
      maxBodyBytes: options.maxBodyBytes,
      drainMaxBytes: DRAIN_MAX_BYTES,
      tooLarge: tooLargeProblem(options.maxBodyBytes),
    };
  }

  /** Takes one `POST /bid` over, inside its handler. */
  begin(response: HttpResponse, request: HttpRequest): void {
    const nowMonoMs = performance.now();
    if (this.admission.full) return this.refuseHead(response, problems.tooManyInFlight, nowMonoMs);
    const contentLength = request.getHeader('content-length');
    if (contentLength === '' && !isChunkedOnce(request)) return this.refuseHead(response, problems.badTransferEncoding, nowMonoMs);
    const encoding = request.getHeader('content-encoding').toLowerCase();
    const problem = this.#problemOfHead(request, encoding, contentLength);
    const exchange = this.#exchange();
    if (problem !== null) return exchange.drain(response, nowMonoMs, problem);
    exchange.gzipped = encoding === 'gzip';
    exchange.traceparent = traceparentOf(request);
    exchange.receive(response, nowMonoMs);
  }

  /** Refuses a request for its head alone, whatever body follows. `bodiless`: the method is HEAD. */
  refuseHead(response: HttpResponse, problem: Problem, startedMonoMs: number, bodiless = false): void {
    this.#exchange().refuseHead(response, startedMonoMs, problem, bodiless);
  }

  bodyReceived(exchange: Exchange, body: Buffer): void {
    if (!exchange.gzipped || body.length === 0) return this.#admit(exchange, body);
    const inflated = inflate(body, this.#options.maxBodyBytes);
    if (inflated.ok) this.#admit(exchange, inflated.body);
    else exchange.refuseSoon(inflated.why === 'too_large' ? this.#limits.tooLarge : malformedGzip);
  }

  answering(exchange: Exchange, problem: Problem | null): void {
    if (problem === null) this.#options.counts.requests.accepted++;
    else this.#counted(problem, exchange);
  }

  clientGone(exchange: Exchange): void {
    this.#options.counts.requests.aborted++;
    if (exchange.slot !== NO_SLOT) this.admission.abandon(exchange.slot);
  }

  refusalDue(exchange: Exchange): void {
    if (this.#refusals.push(exchange) === 1) setImmediate(this.#answerRefusals);
  }

  reusable(exchange: Exchange): void {
    if (this.#pool.length < POOL_MAX_EXCHANGES) this.#pool.push(exchange);
  }

  settled(exchange: Exchange, error: string | null): void {
    if (error !== null) {
      // The producer's own time limit equals the deadline, so either of the two may be noticed first.
      exchange.refuse(error.includes('timed out') ? problems.ackTimeout : problems.ackFailed);
      return;
    }
    const { counts } = this.#options;
    const reportedMonoMs = performance.now();
    const { startedMonoMs, producedMonoMs, logged, loggedBytes, traceparent } = exchange;
    exchange.accept(`{"status":"accepted","id":${JSON.stringify(exchange.requestId)}}`, this.stopping);
    const endedMonoMs = performance.now();
    counts.ackWait.observe((reportedMonoMs - producedMonoMs) / 1000);
    counts.afterReport.observe((endedMonoMs - reportedMonoMs) / 1000);
    counts.processing.observe((endedMonoMs - startedMonoMs) / 1000);
    if (logged === null) return;
    this.#options.log.info(
      {
        request_id: logged.id,
        trace_id: traceIdOf(traceparent) ?? undefined,
        slots: logged.slots.length,
        user_id: logged.userId,
        site_domain: logged.siteDomain,
        bytes: loggedBytes,
      },
      logEvents.accepted,
    );
  }

  expired(exchange: Exchange): void {
    exchange.refuse(problems.ackTimeout);
  }

  readonly #answerRefusals = (): void => {
    const due = this.#refusals;
    this.#refusals = [];
    for (const exchange of due) exchange.answerRefusal();
  };

  #exchange(): Exchange {
    return this.#pool.pop() ?? new Exchange(this, this.#limits, this.bodyMemory);
  }

  #admit(exchange: Exchange, body: Buffer): void {
    if (this.stopping) return exchange.refuseSoon(problems.stopping);
    // Before the body is parsed: what is shed should cost little.
    if (this.admission.full) return exchange.refuseSoon(problems.tooManyInFlight);
    const parsed = parseBidRequest(body);
    if (!parsed.ok) return exchange.refuseSoon(invalidProblem(parsed.fault));
    const { producer, topic, counts, sampler } = this.#options;
    const { request } = parsed;
    const slot = this.admission.acquire(exchange, exchange.ownSinceMonoMs);
    const headers = this.#headers.for(Date.now(), exchange.traceparent);
    const refusal = producer.produce(topic, request.id, body, headers, this.admission, slot);
    if (refusal !== null) {
      this.admission.release(slot);
      return exchange.refuseSoon(refusal === 'too_large' ? this.#limits.tooLarge : refusalProblems[refusal]);
    }
    exchange.slot = slot;
    exchange.requestId = request.id;
    if (sampler.shouldLog(logEvents.accepted, request.id, exchange.traceparent)) {
      exchange.logged = request;
      exchange.loggedBytes = body.length;
    }
    counts.bodyBytes += body.length;
    exchange.producedMonoMs = performance.now();
    counts.beforeProduce.observe((exchange.producedMonoMs - exchange.ownSinceMonoMs) / 1000);
  }

  #problemOfHead(request: HttpRequest, encoding: string, contentLength: string): Problem | null {
    if (encoding !== '' && (!(encoding === 'gzip' || encoding === 'identity') || linesOf(request, 'content-encoding') > 1)) {
      return problems.unsupportedEncoding;
    }
    return Number(contentLength) > this.#options.maxBodyBytes ? this.#limits.tooLarge : null;
  }

  #counted(problem: Problem, { startedMonoMs, traceparent }: Exchange): void {
    const { counts, sampler, log } = this.#options;
    counts.requests[problem.outcome]++;
    counts.processing.observe((performance.now() - startedMonoMs) / 1000);
    if (problem.field === null) return;
    // The body is at fault. Its id may be missing or wrong, so the sample is drawn by a running number.
    this.#rejectedCount++;
    if (!sampler.shouldLog(logEvents.rejected, String(this.#rejectedCount), traceparent)) return;
    const trace = { trace_id: traceIdOf(traceparent) ?? undefined };
    log.info({ ...trace, code: problem.code, field: problem.field, detail: problem.detail }, logEvents.rejected);
  }
}

/**
 * Whether a request without a Content-Length has no Transfer-Encoding, or "chunked" and nothing else. uWebSockets.js reads a body as chunked
 * whatever the header says; a proxy that reads it another way would see another end of the request. Source: RFC 9112, section 6.3.
 */
function isChunkedOnce(request: HttpRequest): boolean {
  const first = request.getHeader('transfer-encoding');
  if (first === '') return true;
  return first.toLowerCase() === 'chunked' && linesOf(request, 'transfer-encoding') === 1;
}

/** What the request's events carry as their `traceparent`: '' unless there is one, valid and once. Source: W3C Trace Context, section 3.2. */
function traceparentOf(request: HttpRequest): string {
  const traceparent = acceptedTraceparent(request.getHeader('traceparent'));
  return traceparent === '' || linesOf(request, 'traceparent') > 1 ? '' : traceparent;
}

/** How many lines of the head have this name; `getHeader` gives the first only. Looks at every line: not for what every request has. */
function linesOf(request: HttpRequest, lowerCaseName: string): number {
  let count = 0;
  request.forEach((name) => {
    if (name === lowerCaseName) count++;
  });
  return count;
}
