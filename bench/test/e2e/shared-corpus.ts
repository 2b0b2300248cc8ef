import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The lines of a file of the shared corpus; null where the checkout has none beside it, and tests are skipped. */
export function sharedCorpus(file: 'traffic.jsonl' | 'conformance.jsonl'): string[] | null {
  const path = fileURLToPath(new URL(`../../../../shared/corpus/${file}`, import.meta.url));
  if (!existsSync(path)) return null;
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}
