import { readFileSync } from 'node:fs';
import { faultTable } from '@helios/runtime/errors';
import { expect, test } from 'vitest';

const page = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8');

test('the fault table of docs/architecture.md is the one in the code, both ways', () => {
  const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (.+?) \| (.+?) \| (.+?) \|$/gm)].map(([, code, meaning, action, mend]) => [
    code,
    { meaning, action, mend },
  ]);
  expect(Object.fromEntries(rows)).toEqual(faultTable);
});

test('every file that docs/architecture.md links to exists', () => {
  const links = [...page.matchAll(/\]\((\.\.\/[^)#]+|adr\/[^)#]+)\)/g)].map(([, target]) => target ?? '');
  expect(links.length).toBeGreaterThan(10);
  for (const link of links) expect(() => readFileSync(new URL(`../../docs/${link}`, import.meta.url)), link).not.toThrow(/ENOENT/);
});
