/** `npm run api:generate`: writes the OpenAPI document of the analytics API; with --check it only says whether it is up to date. */
import { openApiText } from '@helios/analytics/api/openapi-document';
import { runProgram } from './cli.js';
import { generate } from './generated-files.js';

const HELP = `Usage: npm run api:generate [-- --check]

Writes docs/openapi.json from the schemas of the analytics API's routes. Needs no database.

  --check   write nothing; exit 1 when the file is not what would be written
`;

await runProgram('openapi', (args) =>
  generate(args, 'npm run api:generate', HELP, async () => ({ 'docs/openapi.json': await openApiText() })),
);
