import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../src/memory-store.js';
import { mockProfile, userIdAt } from '../src/mock-profiles.js';
import { emptyProfile } from '../src/profile-store.js';

describe('the memory store', () => {
  it('answers one profile per id in the order of the ids, repeated ones too', async () => {
    const store = MemoryStore.ofMockProfiles(10, 1);
    const answer = await store.get([userIdAt(9), 'nobody', userIdAt(0), userIdAt(9)]);
    expect(answer).toEqual([mockProfile(9, 1), emptyProfile, mockProfile(0, 1), mockProfile(9, 1)]);
    expect(store.counts).toMatchObject({ found: 3, unknown: 1, corrupt: 0 });
  });

  it('knows the users below its count and nobody else', async () => {
    const store = MemoryStore.ofMockProfiles(10, 1);
    expect(await store.get([userIdAt(10), '', '__proto__'])).toEqual([emptyProfile, emptyProfile, emptyProfile]);
    expect(store.counts).toMatchObject({ found: 0, unknown: 3 });
  });

  it('never knows the empty id, not even when a profile has it', async () => {
    const store = new MemoryStore([{ ...emptyProfile, locale: 'en-US' }]);
    expect(await store.get([''])).toEqual([emptyProfile]);
  });
});
