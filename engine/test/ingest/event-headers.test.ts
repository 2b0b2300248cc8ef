import { describe, expect, it } from 'vitest';
import { EventHeaders } from '../../src/ingest/event-headers.js';

const VALID = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('event headers', () => {
  it('carry the time in milliseconds, one array for all requests of a millisecond', () => {
    const headers = new EventHeaders();
    const first = headers.for(1_700_000_000_123, '');
    expect(first).toEqual([{ 'helios-accepted-at': '1700000000123' }]);
    expect(headers.for(1_700_000_000_123, '')).toBe(first);
    expect(headers.for(1_700_000_000_124, '')).toEqual([{ 'helios-accepted-at': '1700000000124' }]);
    expect(first).toEqual([{ 'helios-accepted-at': '1700000000123' }]);
  });

  it('carry a trace for the one request that has it', () => {
    const headers = new EventHeaders();
    expect(headers.for(5, VALID)).toEqual([{ 'helios-accepted-at': '5' }, { traceparent: VALID }]);
    expect(headers.for(5, '')).toEqual([{ 'helios-accepted-at': '5' }]);
  });
});
