import { once } from 'node:events';
import { createServer } from 'node:net';
import { createLogger } from '@helios/runtime/log';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestAuthority } from '../../runtime/test/certificates.js';
import type { DatabaseConfig } from '../src/database-settings.js';
import { openDatabase } from '../src/db.js';
import { migrate } from '../src/migrate.js';
import { startApi } from './api/api-under-test.js';
import { ask } from './api/http-client.js';
import { message, outcome } from './outcomes.js';
import { startHarness, type WriterHarness } from './writer/writer-harness.js';

/** A real PostgreSQL that takes TLS, with a certificate for 127.0.0.1 from an authority of the test's own. */

const log = createLogger('test', 'silent');
const never = new AbortController().signal;
let authority: TestAuthority;
let stranger: TestAuthority;
let harness: WriterHarness;

beforeAll(async () => {
  authority = new TestAuthority();
  stranger = new TestAuthority('An authority of somebody else');
  const certificate = authority.issue('IP:127.0.0.1');
  harness = await startHarness({ certificate }, { dbTls: 'verify', dbTlsCa: authority.certificate });
});
afterAll(async () => {
  await harness.stop();
  authority.remove();
  stranger.remove();
});

const open = (way: Partial<DatabaseConfig>) =>
  openDatabase({ ...harness.server.config, ...way }, { applicationName: 'tls-test', poolSize: 2, statementTimeoutMs: 5000 });

/** How many connections of a client the server has, by whether they are encrypted. */
async function connections(name: string): Promise<{ ssl: boolean; count: number }[]> {
  const text = `select ssl, count(*)::int4 as count from pg_stat_ssl join pg_stat_activity using (pid) where application_name = $1 group by ssl`;
  return harness.database.query({ text }, [name]);
}

describe('PostgreSQL over TLS', () => {
  it('with DB_TLS=verify is migrated, written and read, all of it encrypted', async () => {
    const events = [outcome(0), outcome(1), outcome(2)];
    const { writer, rows } = harness.newWriter();
    await writer.handle(
      events.map((event, offset) => message(event, offset)),
      never,
    );
    expect(rows.inserted).toBe(3);
    const { app, port } = await startApi(harness.database);
    const answer = await ask(port, `/api/outcomes/${encodeURIComponent(events[0]?.bid_id ?? '')}/`);
    expect([answer.statusCode, answer.value]).toEqual([200, expect.objectContaining({ bid_request_id: 'req-0' })]);
    await app.close();
    expect(await connections('test')).toEqual([{ ssl: true, count: harness.database.pool().open }]);
  });

  it('with DB_TLS=require is encrypted, whoever signed the certificate and whatever it names', async () => {
    const database = open({ dbTls: 'require', dbHost: 'localhost' });
    await database.query({ text: 'select 1' }, []);
    expect(await connections('tls-test')).toEqual([{ ssl: true, count: 1 }]);
    await database.close();
  });

  it.each<[string, () => Partial<DatabaseConfig>, RegExp]>([
    ['of another authority', () => ({ dbTlsCa: stranger.certificate }), /unable to verify the first certificate/],
    ['of an authority that Node does not know', () => ({}), /unable to verify the first certificate/],
    [
      'that names another host',
      () => ({ dbTlsCa: authority.certificate, dbHost: 'localhost' }),
      /does not match certificate's altnames: Host: localhost\./,
    ],
  ])('with DB_TLS=verify refuses a certificate %s: migrate says so at once, the API answers 503', async (_which, way, why) => {
    const config = { ...harness.server.config, dbTls: 'verify' as const, ...way() };
    const refused = migrate({ ...config, migrateWaitMs: 60_000 }, log);
    await expect(refused).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE', message: expect.stringMatching(why) });
    await expect(refused).rejects.toThrow(/^The database was not migrated: TLS to PostgreSQL failed: .* Check DB_TLS, DB_TLS_CA/);
    const database = open(config);
    const { app, port } = await startApi(database);
    expect((await ask(port, '/api/outcomes/')).statusCode).toBe(503);
    await app.close();
    await database.close();
  });

  it('with a certificate for a name only refuses the address, which it does not take for localhost', async () => {
    const named = await startHarness(
      { certificate: authority.issue('DNS:localhost') },
      { dbTls: 'verify', dbTlsCa: authority.certificate, dbHost: 'localhost' },
    );
    const address = { ...named.server.config, dbTls: 'verify' as const, dbTlsCa: authority.certificate, migrateWaitMs: 0 };
    const said = await migrate(address, log).catch((error: unknown) => String(error));
    await named.stop();
    expect(said).toContain("IP: 127.0.0.1 is not in the cert's list");
  });

  it('that has no TLS gets nothing from a client that asks for it', async () => {
    const heard: Buffer[] = [];
    const plain = createServer((socket) => {
      socket.on('data', (bytes) => {
        heard.push(bytes);
        socket.write('N');
      });
      socket.on('error', () => undefined);
    });
    plain.listen(0, '127.0.0.1');
    await once(plain, 'listening');
    const { port } = plain.address() as { port: number };
    const config = { ...harness.server.config, dbTls: 'require' as const, dbPort: port, dbPassword: 'secret', migrateWaitMs: 60_000 };
    await expect(migrate(config, log)).rejects.toThrow('TLS to PostgreSQL failed: The server does not support SSL connections.');
    // The request for TLS is eight bytes long: no start of a session, no name, no password followed.
    expect(Buffer.concat(heard)).toHaveLength(8);
    plain.close();
  });

  it('is not tried with a certificate authority that cannot be read', () => {
    expect(() => open({ dbTls: 'verify', dbTlsCa: '/nowhere/ca.pem' })).toThrow('DB_TLS_CA: the file cannot be read');
  });
});
