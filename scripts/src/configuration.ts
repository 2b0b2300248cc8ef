/** `npm run config:generate`: writes what is generated from the services' schemas; with --check it only says whether it is up to date. */
import { runProgram } from './cli.js';
import { configurationPage, knownVariablesModule } from './configuration-page.js';
import { generate } from './generated-files.js';

const HELP = `Usage: npm run config:generate [-- --check]

Writes docs/configuration.md and runtime/src/gen/known-variables.ts from the schemas of all services.

  --check   write nothing; exit 1 when a file is not what would be written
`;

await runProgram('configuration', (args) =>
  generate(args, 'npm run config:generate', HELP, () => ({
    'docs/configuration.md': configurationPage(),
    'runtime/src/gen/known-variables.ts': knownVariablesModule(),
  })),
);
