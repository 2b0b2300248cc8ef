import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { portFaults } from '../src/ports.js';

let holders: Server[];
let ports: number[];
beforeEach(async () => {
  holders = [createServer(), createServer()];
  ports = await Promise.all(
    holders.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen({ host: '127.0.0.1', port: 0 }, () => resolve((server.address() as { port: number }).port));
        }),
    ),
  );
});
afterEach(async () => {
  await Promise.all(holders.map((server) => new Promise((resolve) => server.close(resolve))));
});

it('names every taken port and its variable at once, and a port that is wanted twice', async () => {
  const [taken = 0, alsoTaken = 0] = ports;
  const faults = await portFaults('127.0.0.1', [
    { port: taken, variable: 'INGEST_PORT', of: 'ingest' },
    { port: alsoTaken, variable: 'ANALYTICS_PORT', of: 'api' },
    { port: taken, variable: 'DASHBOARD_PORT', of: 'dashboard' },
  ]);
  expect(faults).toHaveLength(3);
  expect(faults[0]).toMatch(new RegExp(`:${taken}, needed for ingest.*INGEST_PORT`));
  expect(faults[1]).toMatch(new RegExp(`:${alsoTaken}, needed for api.*ANALYTICS_PORT`));
  expect(faults[2]).toMatch(/wanted for ingest \(INGEST_PORT\) and for dashboard \(DASHBOARD_PORT\)/);
});
