import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiText } from '../../src/api/openapi-document.js';
import { problemCodes, problemTable } from '../../src/api/problem-table.js';
import { startHarness, type WriterHarness } from '../writer/writer-harness.js';
import { type ApiUnderTest, startApi } from './api-under-test.js';
import { differences, examplesOf } from './documented-examples.js';
import { storeDocumentedOutcomes } from './documented-outcomes.js';

/** docs/api.md against a real API over real PostgreSQL: every example is run by a shell, with curl. */

const page = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8');
const ADDRESS = 'http://127.0.0.1:8000';
const run = promisify(execFile);
const document = JSON.parse(await openApiText()) as { paths: Record<string, { get: { parameters: { name: string }[] } }> };

let harness: WriterHarness;
let api: ApiUnderTest;
beforeAll(async () => {
  harness = await startHarness();
  await storeDocumentedOutcomes(harness.database);
  api = await startApi(harness.database);
});
afterAll(async () => {
  await api.app.close();
  await harness.stop();
});

describe('docs/api.md', () => {
  it.each(examplesOf(page).map((example) => [example.line, example] as const))(
    'shows in line %d what the command prints',
    async (_line, { command, form, output }) => {
      expect(command).toContain(ADDRESS);
      const { stdout } = await run('sh', ['-euc', command.replaceAll(ADDRESS, `http://127.0.0.1:${api.port}`)], {
        env: { PATH: process.env['PATH'], HOME: '/nonexistent', LC_ALL: 'C.UTF-8' },
        timeout: 15_000,
      });
      expect(differences(form, output, stdout), stdout).toEqual([]);
    },
  );

  it('has an example for every route', () => {
    const commands = examplesOf(page).map(({ command }) => command);
    for (const path of Object.keys(document.paths)) {
      const pattern = new RegExp(`${path.replaceAll(/\{\w+\}/g, "[^/?'\\s]+")}(?=[?'\\s])`);
      expect(
        commands.some((command) => pattern.test(command)),
        path,
      ).toBe(true);
    }
  });

  it('names every parameter of every route', () => {
    const names = Object.values(document.paths).flatMap(({ get }) => get.parameters.map(({ name }) => name));
    expect([...new Set(names)].filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it('has the table of faults that is in the code, both ways', () => {
    const rows = [...page.matchAll(/^\| (\d{3}) (.+?) \| (.+?) \| (.+?) \|$/gm)].map(([, status, title, when, mend]) => [
      status,
      { title, when, mend },
    ]);
    expect(Object.fromEntries(rows)).toEqual(problemTable);
  });

  it('has the table of codes that is in the code, both ways', () => {
    const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (\d{3}) \| (.+?) \| (.+?) \|$/gm)].map(([, code, status, when, mend]) => [
      code,
      { status: Number(status), when, mend },
    ]);
    expect(Object.fromEntries(rows)).toEqual(problemCodes);
  });
});
