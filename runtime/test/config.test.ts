import { describe, expect, test } from 'vitest';
import { choice, type ConfigOf, decimal, flag, hostPorts, integer, loadConfig, port, type Schema, text } from '../src/config.js';
import { HeliosError } from '../src/errors.js';
import { kafkaFaults, kafkaSettings, serviceSettings } from '../src/settings.js';

const schema = {
  ...serviceSettings(9101),
  ...kafkaSettings,
  ingestPort: port({ env: 'INGEST_PORT', default: 8080, effect: 'port of POST /bid' }),
  maxInFlight: integer({ env: 'INGEST_MAX_IN_FLIGHT', default: 20_000, min: 1, max: 1_000_000, unit: 'requests', effect: 'bound' }),
} as const;

/** A name that another service owns, and one that is this service's own. */
const knownVariables = ['INGEST_PORT', 'INGEST_MAX_IN_FLIGHT', 'BIDDER_THREADS'];

function load(env: Record<string, string | undefined>) {
  return loadConfig({ service: 'ingest', schema, env, knownVariables, check: kafkaFaults });
}

function faultsOf(read: () => unknown): { error: HeliosError; faults: string[] } {
  try {
    read();
  } catch (error) {
    if (!(error instanceof HeliosError)) throw error;
    return { error, faults: error.fields['faults'] as string[] };
  }
  throw new Error('the configuration was accepted');
}

function one<S extends Schema>(fields: S, env: Record<string, string>): ConfigOf<S> {
  return loadConfig({ service: 'test', schema: fields, env, knownVariables: [] });
}

describe('a wrong configuration', () => {
  test('is refused in one message that lists every fault with the name, what stands there and what is accepted', () => {
    const { error, faults } = faultsOf(() =>
      load({ KAFKA_BROKERS: '', INGEST_PORT: 'eighty', INGEST_MAX_IN_FLIGHT: '-1', INGEST_MAX_INFLIGHT: '5', LOG_LEVEL: 'loud' }),
    );
    expect(error.code).toBe('CONFIG_INVALID');
    expect(faults).toHaveLength(5);
    for (const fault of faults) expect(error.message).toContain(fault);
    expect(error.message).toContain('ingest cannot start, 5 configuration fault(s)');
    expect(error.message).toContain('KAFKA_BROKERS is empty: it accepts host:port, several separated by commas');
    expect(error.message).toContain('INGEST_PORT is "eighty": it accepts a whole number from 1 to 65535');
    expect(error.message).toContain('INGEST_MAX_IN_FLIGHT is "-1": it accepts a whole number from 1 to 1000000');
    expect(error.message).toContain('INGEST_MAX_INFLIGHT is not a variable of any Helios service: did you mean INGEST_MAX_IN_FLIGHT?');
    expect(error.message).toContain('LOG_LEVEL is "loud": it accepts one of trace, debug, info, warn, error, fatal');
  });

  test('with a combination that cannot work is refused with a sentence for each missing part', () => {
    const { faults } = faultsOf(() => load({ KAFKA_SECURITY_PROTOCOL: 'sasl_ssl' }));
    expect(faults).toHaveLength(2);
    expect(faults[0]).toContain('KAFKA_SASL_USERNAME is empty');
    expect(faults[1]).toContain('KAFKA_SASL_PASSWORD is empty');
    expect(faultsOf(() => load({ KAFKA_SSL_CA_LOCATION: '/ca.pem' })).faults).toEqual([
      'KAFKA_SSL_CA_LOCATION is set: it is used with KAFKA_SECURITY_PROTOCOL=ssl or sasl_ssl only, not plaintext.',
    ]);
    expect(() => load({ KAFKA_SSL_CA_LOCATION: '/ca.pem', KAFKA_SECURITY_PROTOCOL: 'ssl' })).not.toThrow();
  });

  test('never shows the value of a secret', () => {
    const secret = text({ env: 'KAFKA_SASL_PASSWORD', default: '', secret: true, pattern: /^[a-z]+$/, accepts: 'letters', effect: 'x' });
    const { error } = faultsOf(() => one({ secret }, { KAFKA_SASL_PASSWORD: 'hunter2' }));
    expect(error.message).toContain('KAFKA_SASL_PASSWORD is a secret');
    expect(error.message + JSON.stringify(error.fields)).not.toContain('hunter2');
  });

  test('shows at most 80 characters of what stands there', () => {
    const { error } = faultsOf(() => load({ INGEST_PORT: 'x'.repeat(500) }));
    expect(error.message).toContain(`"${'x'.repeat(80)}"`);
    expect(error.message).not.toContain('x'.repeat(81));
  });
});

describe('names', () => {
  test('of another Helios service are ignored', () => {
    expect(() => load({ BIDDER_THREADS: 'not even read' })).not.toThrow();
  });

  test('that no service knows are a fault under a prefix that Helios owns, and nobody’s business elsewhere', () => {
    expect(() => load({ PATH: '/bin', KAFKA_HEAP_OPTS: '-Xmx1g', NODE_ENV: 'production' })).not.toThrow();
    for (const name of ['INGEST_PROT', 'BIDDER_X', 'AUCTION_X', 'WRITER_X', 'PROFILE_X', 'ANALYTICS_X', 'DASHBOARD_X', 'LOG_X']) {
      const { faults } = faultsOf(() => load({ [name]: '1' }));
      expect(faults).toHaveLength(1);
      expect(faults[0]).toContain(`${name} is not a variable of any Helios service`);
    }
  });
});

describe('an absent variable', () => {
  test('takes its default, and the configuration keeps the shape of its schema', () => {
    const config = load({});
    expect(config.ingestPort).toBe(8080);
    expect(config.brokers).toBe('127.0.0.1:9092');
    expect(config.logSampleRate).toBe(1);
    expect(Object.keys(config).sort()).toEqual(Object.keys(schema).sort());
  });
});

describe('values', () => {
  const fields = {
    whole: integer({ env: 'A', default: 0, min: -5, max: 10, unit: 'x', effect: 'x' }),
    decimal: decimal({ env: 'B', default: 0, min: 0, max: 1, unit: 'x', effect: 'x' }),
    flag: flag({ env: 'C', default: false, effect: 'x' }),
    word: choice({ env: 'D', default: 'a', values: ['a', 'b'], effect: 'x' }),
    brokers: hostPorts({ env: 'E', default: 'a:1', effect: 'x' }),
    named: text({ env: 'F', default: 'x', effect: 'x' }),
    free: text({ env: 'G', default: '', effect: 'x' }),
  } as const;

  test.each([
    ['A', '-5', 'whole', -5],
    ['A', '10', 'whole', 10],
    ['B', '0.25', 'decimal', 0.25],
    ['B', '1', 'decimal', 1],
    ['C', '1', 'flag', true],
    ['C', 'true', 'flag', true],
    ['C', '0', 'flag', false],
    ['C', 'false', 'flag', false],
    ['D', 'b', 'word', 'b'],
    ['E', 'kafka-1.kafka:9092, kafka-2:9093', 'brokers', 'kafka-1.kafka:9092, kafka-2:9093'],
    ['E', '[::1]:9092', 'brokers', '[::1]:9092'],
    ['F', 'y', 'named', 'y'],
    ['G', '', 'free', ''],
  ] as const)('%s=%s is accepted', (env, raw, name, expected) => {
    expect(one(fields, { [env]: raw })[name]).toBe(expected);
  });

  test.each([
    ['A', '-6'],
    ['A', '11'],
    ['A', '1.5'],
    ['A', ''],
    ['A', ' 1'],
    ['A', '1e1'],
    ['A', '0x1'],
    ['A', 'NaN'],
    ['A', '9'.repeat(400)],
    ['B', '1.0000001'],
    ['B', '-0.1'],
    ['B', 'Infinity'],
    ['B', '.5'],
    ['C', 'yes'],
    ['C', ''],
    ['D', 'A'],
    ['E', 'localhost'],
    ['E', 'localhost:0'],
    ['E', 'localhost:65536'],
    ['E', 'a:1,'],
    ['E', 'http://a:1'],
    ['F', ''],
  ])('%s=%s is refused', (env, raw) => {
    expect(faultsOf(() => one(fields, { [env]: raw })).faults).toHaveLength(1);
  });
});
