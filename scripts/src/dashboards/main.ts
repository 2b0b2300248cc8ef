/** `npm run dashboards:generate`: writes Grafana's dashboards from their code; with --check it only says whether they are up to date. */
import { runProgram } from '../cli.js';
import { generate } from '../generated-files.js';
import { dashboards, dashboardsFolder } from './all.js';
import { dashboardText } from './dashboard.js';

const HELP = `Usage: npm run dashboards:generate [-- --check]

Writes ${dashboardsFolder}/*.json from scripts/src/dashboards.

  --check   write nothing; exit 1 when a file is not what would be written
`;

await runProgram('dashboards', (args) =>
  generate(args, 'npm run dashboards:generate', HELP, () =>
    Object.fromEntries(dashboards.map((spec) => [`${dashboardsFolder}/${spec.uid}.json`, dashboardText(spec)])),
  ),
);
