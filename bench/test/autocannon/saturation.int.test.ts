import { describe, expect, it } from 'vitest';
import { saturateApi, saturateBid, type SaturationResult } from '../../autocannon/saturation.js';
import { type Answerer, accepted, startPostTarget } from '../load/post-target.js';

async function bidsTo(answer: Answerer, expects: 'id' | 'bytes' = 'id'): Promise<{ result: SaturationResult; served: number }> {
  const target = await startPostTarget(answer);
  try {
    const url = `http://127.0.0.1:${target.port}/bid`;
    return {
      result: await saturateBid({ url, connections: 4, seconds: 1, shape: 'short', seed: 1, expects }),
      served: target.bodies.length,
    };
  } finally {
    await target.close();
  }
}

describe('saturation by autocannon', () => {
  it('counts right answers, and no more than were given', async () => {
    const { result, served } = await bidsTo(accepted);
    expect(result).toMatchObject({ others: 0, firstOther: null });
    expect(result.right).toBeGreaterThan(0);
    expect(result.right).toBeLessThanOrEqual(served);
    expect(result.service.n).toBe(result.right);
  });

  it('takes another id, another status and another number of bytes for wrong', async () => {
    const otherId = await bidsTo(() => ({ status: 202, body: '{"status":"accepted","id":"x"}' }));
    expect(otherId.result).toMatchObject({ right: 0, firstOther: '202 {"status":"accepted","id":"x"}' });
    expect((await bidsTo(() => ({ status: 503, body: 'no' }))).result).toMatchObject({ right: 0, firstOther: '503 no' });
    const bytes = await bidsTo((body) => ({ status: 202, body: `{"status":"accepted","bytes":${body.length + 1}}` }), 'bytes');
    expect(bytes.result.right).toBe(0);
  });

  it('asks the API for its paths, and expects JSON', async () => {
    let asked = 0;
    const target = await startPostTarget(() => ({ status: 200, body: asked++ % 2 === 0 ? '{}' : 'no json' }));
    try {
      const result = await saturateApi({ url: `http://127.0.0.1:${target.port}`, connections: 1, seconds: 1 }, ['/a', '/b']);
      expect(result.right).toBeGreaterThan(0);
      expect(result.firstOther).toBe('200 no json');
    } finally {
      await target.close();
    }
  });
});
