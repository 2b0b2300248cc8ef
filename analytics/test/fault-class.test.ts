import { describe, expect, it } from 'vitest';
import { databaseFault, isTlsFault } from '../src/fault-class.js';

const server = (code: string) => Object.assign(new Error('from the server'), { code, severity: 'ERROR' });
const system = (code: string, syscall = 'connect') => Object.assign(new Error(code), { code, syscall });

describe('databaseFault', () => {
  it.each([
    ['08006', 'outage', 'connection failure'],
    ['08P01', 'outage', 'protocol violation'],
    ['40001', 'outage', 'serialization failure'],
    ['40P01', 'outage', 'deadlock'],
    ['53100', 'outage', 'disk full'],
    ['53300', 'outage', 'too many connections'],
    ['57014', 'outage', 'statement timeout'],
    ['57P01', 'outage', 'admin shutdown'],
    ['57P03', 'outage', 'cannot connect now'],
    ['58030', 'outage', 'input/output error'],
    ['22003', 'bad_row', 'number out of range'],
    ['22021', 'bad_row', 'character not in repertoire'],
    ['23502', 'bad_row', 'not null'],
    ['23514', 'bad_row', 'check'],
    ['54000', 'bad_row', 'index row too large'],
    ['42P01', 'unexpected', 'no such table'],
    ['42601', 'unexpected', 'syntax'],
    ['28P01', 'unexpected', 'wrong password'],
    ['3D000', 'unexpected', 'no such database'],
    ['25006', 'unexpected', 'read-only transaction'],
    ['55P03', 'unexpected', 'lock not available'],
    ['XX000', 'unexpected', 'internal error'],
    ['P0001', 'unexpected', 'raise exception'],
  ])('takes SQLSTATE %s as %s (%s)', (code, faultClass) => {
    expect(databaseFault(server(code))).toEqual({ faultClass, sqlstate: code, message: 'from the server' });
  });

  it.each([
    system('ECONNREFUSED'),
    system('ECONNRESET', 'read'),
    system('EPIPE', 'write'),
    system('ETIMEDOUT'),
    system('ENOTFOUND', 'getaddrinfo'),
    Object.assign(new AggregateError([], 'all addresses failed'), { code: 'ECONNREFUSED' }),
    new Error('Connection terminated unexpectedly'),
    new Error('Connection terminated due to connection timeout'),
    new Error('timeout exceeded when trying to connect'),
    new Error('Query read timeout'),
    new Error('Client has encountered a connection error and is not queryable'),
  ])('takes a broken connection as an outage: %s', (error) => {
    expect(databaseFault(error)).toMatchObject({ faultClass: 'outage', sqlstate: null });
  });

  it.each([
    ['self-signed certificate in certificate chain', 'SELF_SIGNED_CERT_IN_CHAIN'],
    ['unable to verify the first certificate', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['certificate has expired', 'CERT_HAS_EXPIRED'],
    ["Host: db. is not in the cert's altnames: DNS:other", 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['The server does not support SSL connections', undefined],
  ])('takes a certificate that is not accepted, or no TLS at all, as an outage, and says what to check: %s', (text, code) => {
    const error = Object.assign(new Error(text), { code });
    const check = "Check DB_TLS, DB_TLS_CA, and that DB_HOST is a name in the server's certificate.";
    const message = `TLS to PostgreSQL failed: ${text}. ${check}`;
    expect(databaseFault(error)).toEqual({ faultClass: 'outage', sqlstate: null, message });
    expect(isTlsFault(error)).toBe(true);
  });

  it.each([system('ECONNREFUSED'), server('28P01'), new Error('Connection terminated unexpectedly'), null])(
    'takes nothing else for a fault of TLS: %s',
    (error) => {
      expect(isTlsFault(error)).toBe(false);
    },
  );

  it.each([new TypeError('x is undefined'), 'text', null, undefined, { code: '22003' }])(
    'takes what is neither the server nor the connection as unexpected: %s',
    (error) => {
      expect(databaseFault(error)).toMatchObject({ faultClass: 'unexpected', sqlstate: null });
    },
  );
});
