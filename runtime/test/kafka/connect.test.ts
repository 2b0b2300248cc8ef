import { describe, expect, test } from 'vitest';
import { connectionFault } from '../../src/kafka/connect.js';

const sentence = (message: string) => connectionFault('FAIL', message)?.sentence;

describe('a failed connection', () => {
  test.each([
    [
      '[thrd:sasl_ssl://k:9096/bootstrap]: sasl_ssl://k:9096/bootstrap: SASL authentication error: Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512 (after 303ms in state AUTH_REQ)',
      'sasl_ssl://k:9096/bootstrap: SASL authentication error: Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512. Check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD.',
    ],
    [
      '[thrd:ssl://k:9093/bootstrap]: ssl://k:9093/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker certificate could not be verified (after 5ms in state SSL_HANDSHAKE, 1 identical error(s) suppressed)',
      'ssl://k:9093/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker certificate could not be verified. Check KAFKA_SSL_CA_LOCATION, and that KAFKA_BROKERS has the names of the certificates.',
    ],
    [
      'ssl://k:9092/bootstrap: SSL handshake failed: Disconnected: connecting to a PLAINTEXT broker listener? (after 1ms in state SSL_HANDSHAKE)',
      'ssl://k:9092/bootstrap: SSL handshake failed: Disconnected: connecting to a PLAINTEXT broker listener?. Check KAFKA_SECURITY_PROTOCOL, and that KAFKA_BROKERS names listeners of that kind.',
    ],
    [
      'k:9093/bootstrap: Disconnected: connection closed by peer: receive 0 after POLLIN (after 3ms in state APIVERSION_QUERY)',
      'k:9093/bootstrap: Disconnected: connection closed by peer: receive 0 after POLLIN. Check KAFKA_SECURITY_PROTOCOL, and that KAFKA_BROKERS names listeners of that kind.',
    ],
    [
      'k:9093/1: Disconnected: connection closed by peer: receive 0 after POLLIN (after 9000ms in state UP)',
      'k:9093/1: Disconnected: connection closed by peer: receive 0 after POLLIN',
    ],
    [
      '[thrd:k:9/bootstrap]: k:9/bootstrap: Connect to ipv4#127.0.0.1:9 failed: Connection refused (after 0ms in state CONNECT)',
      'k:9/bootstrap: Connect to ipv4#127.0.0.1:9 failed: Connection refused',
    ],
  ])('is told with what to check, without what changes from one attempt to the next: %s', (message, expected) => {
    expect(sentence(message)).toBe(expected);
  });

  test('is no other line of the log', () => {
    expect(connectionFault('CONFWARN', 'Configuration property ssl.ca.location is ignored')).toBeNull();
  });
});
