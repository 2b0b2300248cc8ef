import { createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type AdminServer, Health, startAdminServer } from '../src/admin-server.js';
import { observed } from './observed.js';

let admin: AdminServer | undefined;

afterEach(async () => {
  await admin?.close();
  admin = undefined;
});

async function start(health = new Health()) {
  const { metrics } = observed('admin');
  admin = await startAdminServer({ host: '127.0.0.1', port: 0, health, metrics });
  const url = `http://127.0.0.1:${admin.port}`;
  return { health, metrics, get: (path: string, method = 'GET') => fetch(url + path, { method }) };
}

describe('the admin port', () => {
  test('says alive whether or not the service is ready', async () => {
    const { get } = await start();
    const response = await get('/healthz');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'alive' });
  });

  test('is ready only when no part of the service speaks against it', async () => {
    const { get, health } = await start(new Health('connecting'));
    const starting = await get('/readyz');
    expect(starting.status).toBe(503);
    expect(await starting.json()).toEqual({ status: 'not ready', reasons: ['start: connecting'] });

    health.set('consumer', 'joining group g');
    health.started();
    expect(await (await get('/readyz')).json()).toEqual({ status: 'not ready', reasons: ['consumer: joining group g'] });

    health.set('consumer', null);
    const ready = await get('/readyz');
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({ status: 'ready' });

    health.set('shutdown', 'stopping');
    expect((await get('/readyz?verbose=1')).status).toBe(503);
  });

  test('serves the metrics as Prometheus text, and a reader that fails as a 500 with its reason', async () => {
    const { get, metrics } = await start();
    metrics.counter('helios_things_total', 'Things.', () => 3);
    const response = await get('/metrics');
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect(await response.text()).toContain('helios_things_total 3');

    metrics.gauge('helios_broken', 'Broken.', () => {
      throw new Error('the gauge is broken');
    });
    const broken = await get('/metrics');
    expect(broken.status).toBe(500);
    expect(await broken.text()).toContain('the gauge is broken');
  });

  test('answers other paths 404 and other methods 405, and lets nothing be cached', async () => {
    const { get } = await start();
    expect((await get('/')).status).toBe(404);
    const posted = await get('/readyz', 'POST');
    expect(posted.status).toBe(405);
    expect(posted.headers.get('allow')).toBe('GET, HEAD');
    expect((await get('/healthz')).headers.get('cache-control')).toBe('no-store');
    const head = await get('/healthz', 'HEAD');
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  test('that is taken is named, with the variable that moves it', async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
    const { port } = squatter.address() as { port: number };
    try {
      const { metrics } = observed('taken');
      const starting = startAdminServer({ host: '127.0.0.1', port, health: new Health(), metrics });
      await expect(starting).rejects.toMatchObject({
        code: 'PORT_TAKEN',
        message: `127.0.0.1:${port} is taken by another process. Stop that process, or set ADMIN_PORT to a free port.`,
      });
    } finally {
      await new Promise((resolve) => squatter.close(resolve));
    }
  });
});
