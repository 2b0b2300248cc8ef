/** `npm run config:generate`: writes what is generated from the services' schemas; with --check it only says whether it is up to date. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFlags, runProgram, UsageError } from './cli.js';
import { configurationPage, knownVariablesModule } from './configuration-page.js';

const HELP = `Usage: npm run config:generate [-- --check]

Writes docs/configuration.md and runtime/src/gen/known-variables.ts from the schemas of all services.

  --check   write nothing; exit 1 when a file is not what would be written
`;

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

await runProgram('configuration', async (args) => {
  const { values, positionals } = readFlags(args, { check: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } });
  if (positionals.length > 0) throw new UsageError(`There is no argument ${positionals[0]}.`);
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const files = { 'docs/configuration.md': configurationPage(), 'runtime/src/gen/known-variables.ts': knownVariablesModule() };
  const outdated = Object.entries(files).filter(
    ([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text,
  );
  if (values.check === true) {
    for (const [path] of outdated)
      process.stderr.write(`${path} is not what the schemas say: run npm run config:generate and commit it.\n`);
    return outdated.length === 0 ? 0 : 1;
  }
  for (const [path, text] of outdated) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    process.stdout.write(`wrote ${path}\n`);
  }
  return 0;
});
