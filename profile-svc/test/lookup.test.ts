import type { UserProfile } from '@helios/proto/gen/user_profile';
import { HeliosError } from '@helios/runtime/errors';
import { LogSampler } from '@helios/runtime/log';
import { Metrics } from '@helios/runtime/metrics';
import { describe, expect, it } from 'vitest';
import { Lookup, registerMetrics } from '../src/lookup.js';
import { MemoryStore } from '../src/memory-store.js';
import { mockProfile, userIdAt } from '../src/mock-profiles.js';
import { emptyProfile, type ProfileStore, StoreCounts } from '../src/profile-store.js';
import { captureLog } from './capture-log.js';

function lookupOver(store: ProfileStore, options: { maxBatch?: number; maxPerSecond?: number; rate?: number } = {}) {
  const captured = captureLog();
  const sampler = new LogSampler(options.rate ?? 1, options.maxPerSecond ?? 50, () => 1_000_000);
  return { ...captured, sampler, lookup: new Lookup({ store, maxBatch: options.maxBatch ?? 1000, log: captured.log, sampler }) };
}

function failingStore(fault: Error): ProfileStore {
  return { counts: new StoreCounts(), up: false, get: (): Promise<UserProfile[]> => Promise.reject(fault), close: () => Promise.resolve() };
}

describe('a lookup', () => {
  it('answers profiles in the order of the ids', async () => {
    const { lookup } = lookupOver(MemoryStore.ofMockProfiles(3, 1));
    const answer = await lookup.answer('BatchGetUserProfiles', [userIdAt(2), '', userIdAt(0)]);
    expect(answer).toEqual({ result: 'ok', profiles: [mockProfile(2, 1), emptyProfile, mockProfile(0, 1)] });
    expect(lookup.requests).toEqual({ ok: 1, invalid: 0, unavailable: 0 });
  });

  it('answers an empty batch without asking the store', async () => {
    const { lookup } = lookupOver(failingStore(new Error('asked')));
    expect(await lookup.answer('BatchGetUserProfiles', [])).toEqual({ result: 'ok', profiles: [] });
  });

  it('takes a batch at its bound and refuses one id more, with the numbers', async () => {
    const { lookup } = lookupOver(MemoryStore.ofMockProfiles(3, 1), { maxBatch: 5 });
    expect(
      await lookup.answer(
        'BatchGetUserProfiles',
        Array.from({ length: 5 }, () => 'a'),
      ),
    ).toMatchObject({ result: 'ok' });
    const refused = await lookup.answer(
      'BatchGetUserProfiles',
      Array.from({ length: 6 }, () => 'a'),
    );
    expect(refused).toEqual({ result: 'invalid', detail: 'There are 6 user ids; a call takes at most 5.' });
    expect(lookup.requests).toEqual({ ok: 1, invalid: 1, unavailable: 0 });
  });

  it.each([
    ['ASCII', 'a'.repeat(256), 'a'.repeat(257)],
    ['two bytes each', 'é'.repeat(128), `${'é'.repeat(128)}a`],
    ['three bytes each', `${'✓'.repeat(85)}a`, `${'✓'.repeat(85)}é`],
  ])('takes an id of 256 bytes and refuses one of 257 (%s)', async (_, longest, tooLong) => {
    const { lookup } = lookupOver(MemoryStore.ofMockProfiles(1, 1));
    expect(await lookup.answer('GetUserProfile', [longest])).toMatchObject({ result: 'ok' });
    const refused = await lookup.answer('BatchGetUserProfiles', ['fine', tooLong]);
    expect(refused).toEqual({ result: 'invalid', detail: 'User id 1 is 257 bytes long; it may have at most 256.' });
  });

  it('says unavailable when the store fails, never an empty profile', async () => {
    const { lookup, lines } = lookupOver(failingStore(new HeliosError('PROFILE_STORE_UNAVAILABLE', 'The profile store failed: late.')));
    expect(await lookup.answer('GetUserProfile', ['user-1'])).toEqual({ result: 'unavailable', detail: 'The profile store failed: late.' });
    expect(lookup.requests.unavailable).toBe(1);
    expect(lines.at(-1)).toMatchObject({ msg: 'profile response', user_id: 'user-1', result: 'unavailable' });
  });

  it('passes on what is not a fault of the store', async () => {
    const { lookup } = lookupOver(failingStore(new TypeError('broken invariant')));
    await expect(lookup.answer('GetUserProfile', ['user-1'])).rejects.toThrow('broken invariant');
  });

  it('logs request and response of a user as JSON', async () => {
    const { lookup, lines } = lookupOver(MemoryStore.ofMockProfiles(3, 1));
    await lookup.answer('BatchGetUserProfiles', [userIdAt(1), 'nobody']);
    expect(lines).toMatchObject([
      { msg: 'profile request', method: 'BatchGetUserProfiles', ids: 2, request: { user_id: userIdAt(1) } },
      { msg: 'profile request', request: { user_id: 'nobody' } },
      { msg: 'profile response', user_id: userIdAt(1), result: 'ok', response: { profile: mockProfile(1, 1) } },
      { msg: 'profile response', user_id: 'nobody', result: 'ok', response: { profile: emptyProfile } },
    ]);
  });

  it('logs the users of sampled traces under their ids whatever the rate, several of one user too, and nobody else', async () => {
    const { lookup, lines } = lookupOver(MemoryStore.ofMockProfiles(3, 1), { rate: 0 });
    const traceOf = (digit: string) => `00-${digit.repeat(32)}-b7ad6b7169203331`;
    await lookup.answer(
      'BatchGetUserProfiles',
      [userIdAt(0), userIdAt(1), userIdAt(2)],
      [
        { position: 1, traceparent: `${traceOf('a')}-01` },
        { position: 1, traceparent: `${traceOf('b')}-01` },
        { position: 2, traceparent: `${traceOf('c')}-00` },
        { position: 3, traceparent: `${traceOf('d')}-01` },
      ],
    );
    expect(lines.map((line) => [line['msg'], line['trace_id']])).toEqual([
      ['profile request', 'a'.repeat(32)],
      ['profile request', 'b'.repeat(32)],
      ['profile response', 'a'.repeat(32)],
      ['profile response', 'b'.repeat(32)],
    ]);
    expect(lines.at(-1)).toMatchObject({ user_id: userIdAt(1), response: { profile: mockProfile(1, 1) } });
  });

  it('logs no more requests of a batch than the cap, and counts the others', async () => {
    const { lookup, messages, sampler } = lookupOver(MemoryStore.ofMockProfiles(3, 1), { maxPerSecond: 10 });
    await lookup.answer(
      'BatchGetUserProfiles',
      Array.from({ length: 1000 }, (_, index) => userIdAt(index)),
    );
    const requests = messages().filter((message) => message === 'profile request').length;
    expect(requests).toBeGreaterThan(0);
    expect(requests).toBeLessThanOrEqual(10);
    expect(messages().filter((message) => message === 'profile response').length).toBe(requests);
    expect(sampler.leftOut.get('profile request')).toBe(1000 - requests);
  });

  it('shows its counts as metrics, preset to 0', async () => {
    const store = MemoryStore.ofMockProfiles(3, 1);
    const { lookup, sampler } = lookupOver(store);
    const metrics = new Metrics('profile-svc', 'test');
    registerMetrics(metrics, lookup, store, sampler);
    await lookup.answer('BatchGetUserProfiles', [userIdAt(1), 'nobody']);
    const text = await metrics.registry.metrics();
    for (const line of [
      'helios_profile_requests_total{result="ok"} 1',
      'helios_profile_requests_total{result="unavailable"} 0',
      'helios_profile_lookups_total{result="found"} 1',
      'helios_profile_lookups_total{result="unknown"} 1',
      'helios_profile_lookups_total{result="corrupt"} 0',
      'helios_profile_dropped_interests_total 0',
      'helios_profile_store_failures_total{reason="late"} 0',
      'helios_profile_store_up 1',
      'helios_profile_request_duration_seconds_count{method="BatchGetUserProfiles"} 1',
      'helios_profile_request_duration_seconds_count{method="GetUserProfile"} 0',
      'helios_profile_requests_in_flight 0',
      'helios_profile_request_ids_total 2',
      'helios_profile_store_reads_in_flight 0',
      'helios_profile_store_read_duration_seconds_count 0',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
  });
});
