import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadResult, type LoadResult, type LoadRun } from '../../load/load-run.js';
import { OpenLoopSender } from '@helios/bench/load/open-loop-sender';
import { type Answerer, accepted, idOf, startPostTarget } from './post-target.js';

let sender: OpenLoopSender;
beforeAll(async () => {
  sender = await OpenLoopSender.start(2);
});
afterAll(() => sender?.stop());

const PER_SECOND = 200;
const COUNTED = 40;
const WARMED = 10;

interface Outcome {
  readonly result: LoadResult;
  readonly ids: string[];
  readonly connections: number;
}

async function loadOf(answer: Answerer, options: Partial<LoadRun> = {}): Promise<Outcome> {
  const target = await startPostTarget(answer);
  try {
    const slice = await sender.run({
      host: '127.0.0.1',
      port: target.port,
      path: '/bid',
      perSecond: PER_SECOND,
      warmupSeconds: WARMED / PER_SECOND,
      seconds: COUNTED / PER_SECOND,
      connectionsMax: 16,
      spread: false,
      answerTimeoutMs: 5000,
      idPrefix: 'test-',
      seed: 1,
      shape: 'mixed',
      expects: 'id',
      ...options,
    });
    return { result: loadResult([slice]), ids: target.bodies.map(idOf), connections: target.connections() };
  } finally {
    await target.close();
  }
}

describe('the open-loop sender', () => {
  it('sends each request of the schedule once over all its processes, and counts those after the warm-up', async () => {
    const { result, ids } = await loadOf(accepted);
    expect(ids.toSorted()).toEqual(Array.from({ length: WARMED + COUNTED }, (_, n) => `test-${n}`).toSorted());
    expect(result).toMatchObject({ requests: COUNTED, answers: { 202: COUNTED }, wrong: 0, firstWrong: null });
    expect(result.latency.n).toBe(COUNTED);
    expect(result.service.n).toBe(COUNTED);
  });

  it('takes a 202 with another id for wrong, and shows the first', async () => {
    const { result } = await loadOf((body) =>
      idOf(body) === 'test-30' ? { status: 202, body: '{"status":"accepted","id":"x"}' } : accepted(body),
    );
    expect(result).toMatchObject({ wrong: 1, answers: { 202: COUNTED } });
    expect(result.firstWrong).toBe('request test-30 was answered {"status":"accepted","id":"x"}');
  });

  it('expects the number of bytes of handlers that do not parse', async () => {
    const bytes: Answerer = (body, index) => ({
      status: 202,
      body: `{"status":"accepted","bytes":${Buffer.byteLength(body) + (index === 20 ? 1 : 0)}}`,
    });
    expect((await loadOf(bytes, { expects: 'bytes', warmupSeconds: 0 })).result.wrong).toBe(1);
  });

  it('counts other statuses and cut connections by name, with a latency of their own', async () => {
    const { result } = await loadOf(
      (body, index) => {
        if (index % 10 === 3) return null;
        return index % 10 === 4 ? { status: 503, body: '' } : accepted(body);
      },
      { warmupSeconds: 0 },
    );
    expect(result.answers).toEqual({ 202: 32, 503: 4, none: 4 });
    expect(result.latency.n).toBe(COUNTED);
  });

  it('lets requests wait for a connection when all are taken, and sends them all the same', async () => {
    const { result, ids, connections } = await loadOf(accepted, { connectionsMax: 2, perSecond: 20_000, seconds: 0.01, warmupSeconds: 0 });
    expect(result.answers).toEqual({ 202: 200 });
    expect(new Set(ids).size).toBe(200);
    expect(result.waitedForConnection).toBeGreaterThan(0);
    expect(connections).toBe(2);
  });

  it('opens every connection when it is told to use them in turn', async () => {
    expect((await loadOf(accepted, { spread: true })).connections).toBe(16);
  });
});
