import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * An open-loop load of GET requests: request n leaves at n / `perSecond` seconds, whether earlier ones are answered or not, over at most
 * `connectionsMax` kept-alive connections; one that finds none free waits for it. Latency counts from the intended time of leaving to the
 * last byte of the answer, so that waiting counts too. What this process itself was late is reported: figures of a run that
 * could not keep its schedule are worth nothing.
 */

export interface GetLoadOptions {
  readonly port: number;
  /** Path and query of request n. */
  readonly pathOf: (n: number) => string;
  readonly perSecond: number;
  readonly connectionsMax: number;
  /** Requests altogether. */
  readonly requests: number;
  /** Looks at one answer, after its time was taken; throws when it is wrong. */
  readonly check: (path: string, answer: GetAnswer) => void;
}

export interface GetAnswer {
  readonly status: number;
  readonly body: string;
}

export interface GetLoadResult {
  /** Milliseconds by request, from the intended time of leaving. */
  readonly latenciesMs: Float64Array;
  /** Requests that this process sent more than 5 ms after their time. */
  readonly sentLate: number;
  /** The most that were unanswered at once. */
  readonly unansweredMax: number;
}

const LATE_MS = 5;
const ANSWER_TIMEOUT_MS = 15_000;

/** Sends everything and resolves when all is answered. @throws what `check` throws first, or Error when a request got no answer. */
export async function runGetLoad(options: GetLoadOptions): Promise<GetLoadResult> {
  const { perSecond, requests } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: options.connectionsMax, maxFreeSockets: options.connectionsMax });
  const latenciesMs = new Float64Array(requests);
  const faults: unknown[] = [];
  const answers: Promise<void>[] = [];
  let unanswered = 0;
  let unansweredMax = 0;
  let sentLate = 0;
  const startedMonoMs = performance.now();
  try {
    for (let n = 0; n < requests && faults.length === 0; n++) {
      const dueMonoMs = startedMonoMs + (n * 1000) / perSecond;
      // The timer is coarse: it is set a little short, and the rest is waited for turn by turn.
      const waitMs = dueMonoMs - performance.now() - 1;
      if (waitMs > 0) await sleep(waitMs);
      while (performance.now() < dueMonoMs) await nextTurn();
      if (performance.now() - dueMonoMs > LATE_MS) sentLate++;
      unansweredMax = Math.max(unansweredMax, ++unanswered);
      const path = options.pathOf(n);
      const answered = get(agent, options.port, path, () => {
        latenciesMs[n] = performance.now() - dueMonoMs;
      });
      answers.push(
        answered
          .then((answer) => options.check(path, answer))
          .catch((error: unknown) => void faults.push(error))
          .finally(() => unanswered--),
      );
    }
    await Promise.all(answers);
  } finally {
    agent.destroy();
  }
  if (faults.length > 0) throw faults[0];
  return { latenciesMs, sentLate, unansweredMax };
}

/** One GET over a connection of its own. @throws Error when it is not answered. */
export async function getOnce(port: number, path: string): Promise<GetAnswer> {
  return get(new Agent({ keepAlive: false }), port, path, () => undefined);
}

function get(agent: Agent, port: number, path: string, complete: () => void): Promise<GetAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, agent, timeout: ANSWER_TIMEOUT_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        complete();
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
      });
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS / 1000} s: ${path}`)));
    sent.on('error', reject);
    sent.end();
  });
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
