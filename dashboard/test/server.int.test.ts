import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildDashboard, listen } from '../server/server.js';

let folder: string;
let app: FastifyInstance;
let base: string;
const statuses: number[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'helios-dashboard-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>page</title>');
  await writeFile(join(folder, 'assets', 'index-abc123.js'), 'plain');
  await writeFile(join(folder, 'assets', 'index-abc123.js.br'), 'brotli');
  app = await buildDashboard({
    clientFolder: folder,
    analyticsApiUrl: 'https://api.example:8443',
    answered: (status) => statuses.push(status),
  });
  base = `http://127.0.0.1:${await listen(app, '127.0.0.1', 0)}`;
});
afterAll(async () => {
  await app.close();
  await rm(folder, { recursive: true, force: true });
});

describe("the dashboard's server", () => {
  it('serves the page, to be asked for anew each time', async () => {
    for (const path of ['/', '/?since=2026-01-01', '/index.html']) {
      const response = await fetch(base + path);
      expect(response.status).toBe(200);
      expect(response.headers.get('cache-control')).toBe('no-cache');
      expect(await response.text()).toContain('<title>page</title>');
    }
  });

  it('serves hashed assets for ever, compressed ones to those who take them', async () => {
    const plain = await fetch(`${base}/assets/index-abc123.js`, { headers: { 'accept-encoding': 'identity' } });
    expect(plain.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(await plain.text()).toBe('plain');
    const compressed = await fetch(`${base}/assets/index-abc123.js`, { method: 'HEAD', headers: { 'accept-encoding': 'br' } });
    expect(compressed.headers.get('content-encoding')).toBe('br');
    expect(compressed.headers.get('content-type')).toContain('javascript');
    expect(compressed.headers.get('cache-control')).toContain('immutable');
    expect(compressed.headers.get('vary')).toContain('accept-encoding');
  });

  it('says at run time where the API is, and lets the page talk to it and to nobody else', async () => {
    const config = await fetch(`${base}/config.json`);
    expect(await config.json()).toEqual({ analyticsApiUrl: 'https://api.example:8443' });
    const policy = (await fetch(`${base}/`)).headers.get('content-security-policy') ?? '';
    expect(policy).toContain("connect-src 'self' https://api.example:8443");
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
  });

  it('behind a gateway the API has the address of the page', async () => {
    const gatewayed = await buildDashboard({ clientFolder: folder, analyticsApiUrl: 'same-origin', answered: () => undefined });
    const port = await listen(gatewayed, '127.0.0.1', 0);
    const response = await fetch(`http://127.0.0.1:${port}/config.json`);
    await gatewayed.close();
    expect(await response.json()).toEqual({ analyticsApiUrl: '' });
    expect(response.headers.get('content-security-policy')).toContain("connect-src 'self';");
  });

  it.each(['/api/outcomes/', '/api/', '/nothing', '/assets/index-other.js', '/..%2f..%2fetc%2fpasswd'])(
    'answers %s with 404, not with the page',
    async (path) => {
      const response = await fetch(base + path, { headers: { accept: 'text/html' } });
      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
    },
  );

  it('only serves', async () => {
    const response = await fetch(`${base}/`, { method: 'POST', body: 'x' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
  });

  it('names the variable when its port is taken', async () => {
    const other = await buildDashboard({ clientFolder: folder, analyticsApiUrl: 'same-origin', answered: () => undefined });
    await expect(listen(other, '127.0.0.1', Number(new URL(base).port))).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: expect.stringContaining('DASHBOARD_PORT'),
    });
    await other.close();
  });

  it('says that the page is not built, instead of serving nothing', async () => {
    const built = buildDashboard({ clientFolder: join(folder, 'nowhere'), analyticsApiUrl: 'same-origin', answered: () => undefined });
    await expect(built).rejects.toThrow(/npm run build/);
  });

  it('counts its answers', () => {
    expect(statuses).toContain(200);
    expect(statuses).toContain(404);
  });
});
