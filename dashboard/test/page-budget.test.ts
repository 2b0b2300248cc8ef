import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

/** Looks at the page as it was built: `npm test` builds it first. */

const folder = fileURLToPath(new URL('../dist/client', import.meta.url));
const JAVASCRIPT_MAX_BYTES = 50_000;
const text = /\.(js|css|html|svg)$/;

const assets = readdirSync(join(folder, 'assets'));
const page = readFileSync(join(folder, 'index.html'), 'utf8');

describe('the built page', () => {
  it(`has at most ${JAVASCRIPT_MAX_BYTES} bytes of JavaScript, gzipped`, () => {
    const scripts = assets.filter((name) => name.endsWith('.js'));
    const bytes = scripts.map((name) => gzipSync(readFileSync(join(folder, 'assets', name)), { level: 9 }).length);
    expect(scripts.length).toBeGreaterThan(0);
    expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(JAVASCRIPT_MAX_BYTES);
  });

  it('names every asset by a hash of its content, so that it may be kept for ever', () => {
    for (const name of assets) expect(name).toMatch(/-[\w-]{8}\.(js|css|svg)(\.br|\.gz)?$/);
    for (const [, path] of page.matchAll(/(?:src|href)="([^"]+)"/g)) expect(path).toMatch(/^\/assets\//);
  });

  it('has each text beside itself compressed, by gzip and by brotli', () => {
    for (const path of ['index.html', ...assets.map((name) => `assets/${name}`)].filter((name) => text.test(name))) {
      const bytes = readFileSync(join(folder, path));
      expect(gunzipSync(readFileSync(join(folder, `${path}.gz`))).equals(bytes)).toBe(true);
      expect(brotliDecompressSync(readFileSync(join(folder, `${path}.br`))).equals(bytes)).toBe(true);
    }
  });

  it('has neither scripts nor styles in its text, which the policy would refuse', () => {
    expect(page).not.toMatch(/<style|style=|\son\w+=|<script(?![^>]*\ssrc=)/);
  });
});
