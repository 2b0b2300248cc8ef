import { relative } from 'node:path';
import type { FactsOf, Foundation } from './foundation.js';
import type { ServiceSpec } from './services.js';
import { commandLine, type StartOptions } from './start-options.js';

/** What the person at the terminal reads once everything runs: where what is, and what to try first. */
export function announcement(options: StartOptions, services: readonly ServiceSpec[], foundation: Foundation, factsOf: FactsOf): string {
  const { command, localHost, ports, stateFolder, trafficPerSecond } = options;
  const logs = relative(process.cwd(), stateFolder) || '.';
  const lines = [
    '',
    'Helios runs.',
    `  bids       POST http://${localHost}:${ports.ingest}/bid`,
    `  outcomes   http://${localHost}:${ports.api}/api/outcomes/`,
    `  dashboard  http://${localHost}:${ports.dashboard}/`,
    `  metrics    ${services.map((service) => `${service.name} :${service.adminPort}`).join(', ')} (/metrics, /readyz)`,
    `  logs       ${logs}/logs/`,
    ...foundation.addressLines(factsOf),
    '',
    `Send a bid request:  npm run -s generate | curl -X POST -d @- http://${localHost}:${ports.ingest}/bid`,
    trafficPerSecond > 0
      ? `${trafficPerSecond} generated bid requests per second are sent already (${commandLine[command]} -- --traffic 0 turns them off).`
      : 'No generated bid requests are sent (--traffic 0).',
    ...foundation.remarks,
  ];
  return `${lines.join('\n')}\n`;
}
