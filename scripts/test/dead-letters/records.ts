import type { TopicRecord } from '../../src/dead-letters/letter.js';

/** A record of the dead-letter topic as DeadLetters writes it, for tests without a broker. */
export function letterRecord(change: Partial<TopicRecord> & { headersChange?: Record<string, string> } = {}): TopicRecord {
  const { headersChange = {}, ...record } = change;
  const headers = {
    'helios-accepted-at': '1760000000000',
    'helios-source-topic': 'bid_requests',
    'helios-source-partition': '3',
    'helios-source-offset': '7',
    'helios-error-code': 'malformed_json',
    'helios-error-text': 'The body is not valid JSON.',
    'helios-stage': 'bidder',
    ...headersChange,
  };
  return {
    topic: 'dead_letters',
    partition: 3,
    offset: 117,
    key: Buffer.from('req-1'),
    value: Buffer.from('{'),
    timestamp: 1_760_000_001_000,
    headers: Object.entries(headers).map(([name, value]) => ({ [name]: Buffer.from(value) })),
    ...record,
  };
}
