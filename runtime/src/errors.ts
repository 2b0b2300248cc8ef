/**
 * Every fault that Helios names, in one closed table: what it means, what the service does with it, how to mend it.
 * `docs/architecture.md` carries the same table; a test compares the two both ways.
 */
export const faultTable = {
  CONFIG_INVALID: {
    meaning: 'One or more environment variables are missing, misspelt or out of range.',
    action: 'The process does not start and exits with code 78.',
    mend: 'Correct every variable that the message lists.',
  },
  PORT_TAKEN: {
    meaning: 'Another process listens on a port that this service needs.',
    action: 'The process does not start and exits with code 78.',
    mend: 'Stop the other process, or set the variable that the message names to a free port.',
  },
  NATIVE_MODULE_MISSING: {
    meaning: 'A native module (node-rdkafka, uWebSockets.js) did not load on this system.',
    action: 'The process does not start and exits with code 78.',
    mend: 'Run scripts/install-system and scripts/build-native; check the Node and glibc versions.',
  },
  BROKER_UNREACHABLE: {
    meaning: 'No Kafka broker answers, or they refuse the login or TLS.',
    action: 'Ingest answers 503, consumers wait; work goes on by itself when a broker is back.',
    mend: 'Check KAFKA_BROKERS, what else the message names, the broker and the network between.',
  },
  PRODUCER_FATAL: {
    meaning: 'The idempotent producer can no longer promise order or delivery.',
    action: 'The process ends with code 1 for its supervisor to restart; nothing unacknowledged was answered 202 or committed.',
    mend: 'Restart happens by itself; look at the broker when it repeats.',
  },
  QUEUE_FULL: {
    meaning: 'The bound of unacknowledged events in the producer is reached.',
    action: 'Ingest answers 503; consumers wait before they produce more.',
    mend: 'Add brokers or partitions, or send less.',
  },
  DELIVERY_FAILED: {
    meaning: 'The broker did not acknowledge an event in time.',
    action: 'Ingest answers 503; a consumer produces its batch again and commits nothing before.',
    mend: 'Check the broker; posting the same request id again is safe.',
  },
  EVENT_TOO_LARGE: {
    meaning: 'An event is larger than Kafka takes (1,000,000 bytes with key and headers).',
    action: 'Ingest answers 413; a dead letter is written without its value and says where the original stands.',
    mend: 'Find who writes such messages to the topic; `npm run dead-letters -- show` reads the original at the offset that the letter names.',
  },
  EVENTS_LOST: {
    meaning: 'The broker dropped events before they were consumed: the first offset fetched is past the one expected.',
    action: 'Counted in helios_events_lost_total, logged, and readiness fails until restart.',
    mend: 'Lengthen the retention of the topic, or consume faster.',
  },
  DATABASE_UNAVAILABLE: {
    meaning: 'PostgreSQL does not answer, or refuses work at the moment.',
    action: 'The writer keeps its batch and retries; the API answers 503.',
    mend: 'Check DB_HOST, DB_PORT, the credentials, DB_TLS and the server.',
  },
  PROFILE_STORE_UNAVAILABLE: {
    meaning: 'Redis does not answer within its time limit.',
    action: 'profile-svc answers UNAVAILABLE; bids go out without enrichment.',
    mend: 'Check REDIS_HOST, REDIS_PORT, the credentials, REDIS_TLS and the server.',
  },
} as const;

export type FaultCode = keyof typeof faultTable;

/** The one base error of Helios. `code` is closed; `fields` are facts for the log, never secrets. */
export class HeliosError extends Error {
  readonly code: FaultCode;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(code: FaultCode, message: string, fields: Record<string, unknown> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'HeliosError';
    this.code = code;
    this.fields = fields;
  }
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
