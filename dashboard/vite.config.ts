import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import { preact } from '@preact/preset-vite';
import { defineConfig, type Plugin } from 'vite';

const outDir = 'dist/client';

/** Writes `.br` and `.gz` beside each text file, so that the server compresses nothing while it serves. */
function precompress(): Plugin {
  return {
    name: 'helios-precompress',
    apply: 'build',
    async closeBundle() {
      for (const entry of await readdir(outDir, { recursive: true })) {
        if (!/\.(js|css|html|svg)$/.test(entry)) continue;
        const path = join(outDir, entry);
        const bytes = await readFile(path);
        await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes));
        await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }));
      }
    },
  };
}

/** Puts `theme-first.js` before everything that paints: hashed like any asset, and no module, because modules wait for the document. */
function themeFirst(): Plugin {
  const source = new URL('src/theme-first.js', import.meta.url);
  let built: string | null = null;
  return {
    name: 'helios-theme-first',
    async buildStart() {
      if (this.environment.mode !== 'build') return;
      built = this.emitFile({ type: 'asset', name: 'theme-first.js', source: await readFile(source) });
    },
    transformIndexHtml() {
      const src = built === null ? '/src/theme-first.js' : `/${this.getFileName(built)}`;
      return [{ tag: 'script', attrs: { src }, injectTo: 'head-prepend' }];
    },
  };
}

// The tool reads its configuration from a default export. No module preload polyfill: it would be an inline script, which the CSP refuses.
export default defineConfig({
  plugins: [preact(), themeFirst(), precompress()],
  build: { outDir, emptyOutDir: true, target: 'es2022', modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
});
