import { choice, integer, port, text } from '@helios/runtime/config';

/** How a service reaches PostgreSQL: the same variables for the writer, the API and the migrations. */
export const databaseSettings = {
  dbHost: text({ env: 'DB_HOST', default: '127.0.0.1', effect: 'host of PostgreSQL, or the folder of its Unix socket' }),
  dbPort: port({ env: 'DB_PORT', default: 5432, effect: 'port of PostgreSQL' }),
  dbName: text({ env: 'DB_NAME', default: 'helios', effect: 'database that holds the outcomes' }),
  dbUser: text({ env: 'DB_USER', default: 'helios', effect: 'role that the service logs in as' }),
  dbPassword: text({ env: 'DB_PASSWORD', default: '', secret: true, effect: 'password of that role; empty: the server asks for none' }),
  dbTls: choice({
    env: 'DB_TLS',
    values: ['off', 'require', 'verify'],
    default: 'off',
    effect: 'off: plain TCP; require: TLS with any certificate; verify: TLS, and certificate and host name are checked',
  }),
  dbTlsCa: text({
    env: 'DB_TLS_CA',
    default: '',
    unit: 'path',
    effect: 'PEM file with the certificate authority of the server, for DB_TLS=verify; empty: those that Node knows',
  }),
  dbConnectTimeoutMs: integer({
    env: 'DB_CONNECT_TIMEOUT_MS',
    default: 2000,
    min: 50,
    max: 60_000,
    unit: 'ms',
    effect: 'how long to wait for a connection, a free one of the pool included',
  }),
} as const;

export interface DatabaseConfig {
  readonly dbHost: string;
  readonly dbPort: number;
  readonly dbName: string;
  readonly dbUser: string;
  readonly dbPassword: string;
  readonly dbTls: 'off' | 'require' | 'verify';
  readonly dbTlsCa: string;
  readonly dbConnectTimeoutMs: number;
}

/** Combinations of the database's settings that cannot work, as sentences. */
export function databaseFaults(config: DatabaseConfig): string[] {
  if (config.dbTlsCa !== '' && config.dbTls !== 'verify')
    return [`DB_TLS_CA is set: it is used with DB_TLS=verify only, not ${config.dbTls}.`];
  return [];
}
