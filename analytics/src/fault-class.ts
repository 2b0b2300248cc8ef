/**
 * What a failed statement says about the world: the database is away, a row of ours is bad, or something nobody foresaw.
 * Pure: it looks at the error only. Source: spec section 2.6.
 */

/**
 * - `outage`: the server or the way to it; wait and try again.
 * - `bad_row`: the data; halve the batch until the row is alone.
 * - `unexpected`: anything else (a missing table, a refused login, a bug); handled as an outage, but logged as an error.
 */
export type FaultClass = 'outage' | 'bad_row' | 'unexpected';

export interface DatabaseFault {
  readonly faultClass: FaultClass;
  /** The five characters of PostgreSQL, or null when the fault did not come from the server. */
  readonly sqlstate: string | null;
  readonly message: string;
}

/** 08 connection, 40 rollback (deadlock, serialization), 53 resources, 57 operator intervention, 58 system. */
const outageClasses: ReadonlySet<string> = new Set(['08', '40', '53', '57', '58']);
/** 22 data, 23 constraint, 54 limits of the program. */
const badRowClasses: ReadonlySet<string> = new Set(['22', '23', '54']);

/** Faults that the driver raises itself, without a code: the connection broke, or did not come in time. */
const driverOutage =
  /^(Connection terminated|Connection ended|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed)/;

/** Node's codes for a certificate that it does not accept, and the driver's words for a server that speaks no TLS. */
const tlsCode =
  /^(ERR_TLS_|ERR_SSL_|CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY|DECRYPT|DECODE)_|INVALID_(CA|PURPOSE)$|HOSTNAME_MISMATCH$)/;
const withoutTls = /^(The server does not support SSL connections|There was an error establishing an SSL connection)/;

/** Tells what kind of fault `error` is; never throws. */
export function databaseFault(error: unknown): DatabaseFault {
  const message = error instanceof Error ? error.message : String(error);
  const sqlstate = sqlstateOf(error);
  if (sqlstate !== null) return { faultClass: classOf(sqlstate), sqlstate, message };
  if (isTlsFault(error)) {
    const check = "Check DB_TLS, DB_TLS_CA, and that DB_HOST is a name in the server's certificate.";
    return { faultClass: 'outage', sqlstate: null, message: `TLS to PostgreSQL failed: ${message.replace(/\.$/, '')}. ${check}` };
  }
  return { faultClass: isConnectionFault(error, message) ? 'outage' : 'unexpected', sqlstate: null, message };
}

/** Whether there is no connection because the two sides do not agree on TLS: waiting seldom mends it. */
export function isTlsFault(error: unknown): boolean {
  const { code } = (typeof error === 'object' && error !== null ? error : {}) as { code?: unknown };
  return (typeof code === 'string' && tlsCode.test(code)) || (error instanceof Error && withoutTls.test(error.message));
}

function classOf(sqlstate: string): FaultClass {
  const prefix = sqlstate.slice(0, 2);
  if (outageClasses.has(prefix)) return 'outage';
  return badRowClasses.has(prefix) ? 'bad_row' : 'unexpected';
}

/** A server's error carries a severity beside its code; that tells `EPIPE` of the system from an SQLSTATE. */
function sqlstateOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null) return null;
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return typeof severity === 'string' && typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null;
}

function isConnectionFault(error: unknown, message: string): boolean {
  const { code, syscall } = (typeof error === 'object' && error !== null ? error : {}) as { code?: unknown; syscall?: unknown };
  if (typeof syscall === 'string') return true;
  if (typeof code === 'string' && /^E[A-Z_]+$/.test(code) && !code.startsWith('ERR_')) return true;
  return driverOutage.test(message);
}
