import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '@helios/bench/processes';
import { runProgram } from './processes.js';

/** A configuration that cannot work is said at the start, all of it at once. Source: spec sections 2.8 and 5. */

const EXIT_CONFIG = 78;
const broken = { KAFKA_BROKERS: '', INGEST_PORT: 'abc', INGEST_MAX_BODY_BYTES: '-1', INGEST_MAX_INFLIGHT: '100' };
/** Nothing listens there; no program below gets as far as asking. */
const nowhere = { KAFKA_BROKERS: '127.0.0.1:9', DB_HOST: '127.0.0.1', DB_PORT: '9', PROFILE_STORE: 'memory' };

describe.each([
  ['engine ingest', 'engine/dist/main.js', ['ingest']],
  ['npm start', 'scripts/dist/start.js', ['--data', join(tmpdir(), 'helios-e2e-never-made')]],
])('%s', (_name, file, args) => {
  it('names an empty KAFKA_BROKERS, a port that is text, a negative bound and a misspelt name in one message, and exits with 78', async () => {
    const { code, output } = await runProgram(file, args, broken);
    expect(code).toBe(EXIT_CONFIG);
    // One message: a line that counts the faults, then a line for each.
    const lines = output.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(/cannot start, 4 configuration fault\(s\):$/);
    expect(lines.slice(1).toSorted()).toEqual([
      expect.stringMatching(/^ {2}- INGEST_MAX_BODY_BYTES is "-1": it accepts a whole number from \d+ to \d+/),
      expect.stringMatching(/^ {2}- INGEST_MAX_INFLIGHT is not a variable of any Helios service: did you mean INGEST_MAX_IN_FLIGHT\?/),
      expect.stringMatching(/^ {2}- INGEST_PORT is "abc": it accepts a whole number from 1 to 65535/),
      expect.stringMatching(/^ {2}- KAFKA_BROKERS is empty: it accepts host:port/),
    ]);
  });
});

describe('a taken port', () => {
  let holder: Server;
  let port: string;
  beforeAll(async () => {
    holder = createServer();
    await new Promise<void>((resolve) => holder.listen({ host: '127.0.0.1', port: 0 }, resolve));
    const address = holder.address();
    port = String(typeof address === 'object' ? address?.port : address);
  });
  afterAll(() => new Promise((resolve) => holder.close(resolve)));

  it.each([
    ['INGEST_PORT', 'engine/dist/main.js', ['ingest']],
    ['ADMIN_PORT', 'engine/dist/main.js', ['bidder']],
    ['PROFILE_PORT', 'profile-svc/dist/main.js', []],
    ['ANALYTICS_PORT', 'analytics/dist/main.js', ['api']],
    ['DASHBOARD_PORT', 'dashboard/dist/server/main.js', []],
  ])('is named, with the variable that sets it: %s', async (variable, file, args) => {
    const admin: Record<string, string> = variable === 'ADMIN_PORT' ? {} : { ADMIN_PORT: String(await freePort()) };
    const { code, output } = await runProgram(file, args, { ...nowhere, ...admin, [variable]: port });
    expect({ variable, code, output }).toEqual({
      variable,
      code: EXIT_CONFIG,
      output: expect.stringMatching(new RegExp(`^[^{\n]*\\b${port}\\b.*\\b${variable}\\b`, 'm')),
    });
  });
});
