import { describe, expect, it } from 'vitest';
import { mockProfile, userIdAt } from '../src/mock-profiles.js';
import { readStoredProfile } from '../src/stored-profile.js';

const profiles = Array.from({ length: 2000 }, (_, index) => mockProfile(index, 1));
const topScoreOf = (index: number, seed: number): number =>
  Math.max(-1, ...mockProfile(index, seed).interests.map((interest) => interest.score));

describe('made-up profiles', () => {
  it('have ids of seven digits, and more where these run out', () => {
    expect([userIdAt(0), userIdAt(42), userIdAt(9_999_999), userIdAt(10_000_000)]).toEqual([
      'user-0000000',
      'user-0000042',
      'user-9999999',
      'user-10000000',
    ]);
  });

  it('are the same for the same index and seed, and others for another', () => {
    expect(mockProfile(7, 3)).toEqual(mockProfile(7, 3));
    expect(mockProfile(7, 3)).not.toEqual(mockProfile(7, 4));
    expect(
      new Set(profiles.map(({ locale, interests, demographics }) => JSON.stringify({ locale, interests, demographics }))).size,
    ).toBeGreaterThan(1800);
  });

  it('pass the rules for stored profiles unchanged', () => {
    for (const profile of profiles) {
      expect(readStoredProfile(Buffer.from(JSON.stringify(profile)), profile.user_id)).toEqual({ ok: true, profile, droppedInterests: 0 });
    }
  });

  it('have 0 to 5 interests of different categories', () => {
    expect(new Set(profiles.map((profile) => profile.interests.length))).toEqual(new Set([0, 1, 2, 3, 4, 5]));
    for (const { interests } of profiles) expect(new Set(interests.map((interest) => interest.category)).size).toBe(interests.length);
    expect(new Set(profiles.flatMap((profile) => profile.interests.map((interest) => interest.category))).size).toBe(18);
  });

  it('always have a locale and an age bracket', () => {
    for (const { locale, demographics } of profiles) {
      expect(locale).toMatch(/^[a-z]{2}-[A-Z]{2}$/);
      expect(demographics['age_bracket']).toMatch(/^\d\d(-\d\d|\+)$/);
    }
  });

  it.each([0, 1, 12_345])('meet every price tier within any ten users in a row (seed %i)', (seed) => {
    for (const first of [0, 3, 4990]) {
      const tops = Array.from({ length: 10 }, (_, offset) => topScoreOf(first + offset, seed));
      const counts = [
        tops.filter((top) => top > 0.9).length,
        tops.filter((top) => top >= 0.7 && top <= 0.9).length,
        tops.filter((top) => top >= 0 && top < 0.7).length,
        tops.filter((top) => top === -1).length,
      ];
      expect(counts).toEqual([2, 3, 3, 2]);
    }
  });

  it('meet the edges of the tiers, 0.7 and 0.9, exactly', () => {
    const tops = new Set(profiles.map((profile) => Math.max(-1, ...profile.interests.map((interest) => interest.score))));
    for (const edge of [0.69, 0.7, 0.9, 0.91]) expect(tops).toContain(edge);
  });
});
