import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readPages } from '../../src/walks/check-pages.js';
import { isPrinted } from '../../src/walks/expected-output.js';
import { isCommand } from '../../src/walks/page.js';
import { walkPages } from '../../src/walks/pages.js';
import { commandsOf } from '../../src/walks/shell-words.js';
import { root } from '../manifests/rendered.js';
import { Stubs } from '../manifests/stubs.js';

/** The scripts that make a cluster and deploy to it, with stand-ins for kubectl, kind and Docker. */

const stubs = new Stubs(['kubectl', 'kind', 'docker']);
afterAll(() => stubs.remove());

const { pages } = readPages(walkPages, (path) => readFileSync(join(root, path), 'utf8'));
const shown = pages.flatMap(({ path, blocks }) =>
  blocks.flatMap((block) =>
    isCommand(block) && block.kind === 'cluster' && block.command.startsWith('scripts/') && block.expected !== null
      ? [{ place: `${path}:${block.line}`, command: block.command, expected: block.expected }]
      : [],
  ),
);

it.each(shown)('$place: the scripts print what the page shows', ({ command, expected }) => {
  const said = commandsOf(command).map(({ words: [script = '', ...args] }) => stubs.run(script.replace('scripts/', ''), args).said);
  expect(isPrinted(expected, said.join('')), said.join('')).toBe(true);
  expect(isPrinted({ ...expected, text: expected.text.replaceAll('Helios', 'Other').replaceAll('cluster', 'other') }, said.join(''))).toBe(
    false,
  );
});

it('is asked of both scripts', () => {
  expect(shown.map(({ command }) => command).join('\n')).toMatch(/setup-cluster[^]*deploy-all/);
});
