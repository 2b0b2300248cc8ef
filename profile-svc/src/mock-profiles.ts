import type { Interest, UserProfile } from '@helios/proto/gen/user_profile';

/**
 * Made-up users: one space of ids, shared by the seed program, the memory store and the request generator, so that generated bids do get
 * enriched. Pure: the same index and seed always give the same profile.
 */

/** What made-up users are interested in. */
export const categories = [
  'sports',
  'automotive',
  'travel',
  'technology',
  'fashion',
  'food',
  'finance',
  'gaming',
  'health',
  'home_garden',
  'movies',
  'music',
  'news',
  'outdoors',
  'parenting',
  'pets',
  'photography',
  'real_estate',
] as const;
/** Steps through the 18 categories; no common factor with 18, so no category comes twice. */
const strides = [1, 5, 7, 11, 13] as const;
const locales = [
  'en-US',
  'en-US',
  'en-US',
  'en-GB',
  'de-DE',
  'fr-FR',
  'es-ES',
  'es-MX',
  'pt-BR',
  'it-IT',
  'nl-NL',
  'pl-PL',
  'ja-JP',
  'ko-KR',
] as const;
const ageBrackets = ['18-24', '25-34', '35-44', '45-54', '55-64', '65+'] as const;
const genders = ['female', 'male', 'non_binary'] as const;
const incomeBrackets = ['0-25k', '25k-50k', '50k-75k', '75k-100k', '100k+'] as const;
const regions = ['urban', 'suburban', 'rural'] as const;

/** Top scores in hundredths, both ends included, on either side of the price tiers' edges 0.7 and 0.9. Source: spec S3.3. */
const topScores = { high: [91, 100], middle: [70, 90], low: [5, 69] } as const;

/** Any ten users in a row meet every price tier, and two of them have no interest at all. */
const tiers = ['middle', 'high', 'low', 'none', 'middle', 'low', 'high', 'middle', 'none', 'low'] as const;

/**
 * The id of a made-up user: `user-0000042`.
 * @param index a whole number from 0 up; past 9,999,999 the id grows by a digit.
 */
export function userIdAt(index: number): string {
  return `user-${String(index).padStart(7, '0')}`;
}

/**
 * The profile of a made-up user: a locale, 0 to 5 interests with scores in hundredths, and some demographics (always an `age_bracket`).
 * @param index which user, as for `userIdAt`.
 * @param seed a whole number; another seed gives the same users other profiles.
 */
export function mockProfile(index: number, seed: number): UserProfile {
  const random = randomSequence(index, seed);
  const demographics: Record<string, string> = { age_bracket: pick(ageBrackets, random) };
  if (random() < 0.8) demographics['gender'] = pick(genders, random);
  if (random() < 0.6) demographics['income_bracket'] = pick(incomeBrackets, random);
  if (random() < 0.5) demographics['region'] = pick(regions, random);
  return { user_id: userIdAt(index), locale: pick(locales, random), interests: interestsOf(tierOf(index, seed), random), demographics };
}

function tierOf(index: number, seed: number): (typeof tiers)[number] {
  const position = (((index + seed) % tiers.length) + tiers.length) % tiers.length;
  return tiers[position] ?? 'none';
}

/** One interest at the tier's top score and up to four weaker ones, of different categories and in no order of score. */
function interestsOf(tier: (typeof tiers)[number], random: () => number): Interest[] {
  if (tier === 'none') return [];
  const [lowest, highest] = topScores[tier];
  const top = lowest + Math.floor(random() * (highest - lowest + 1));
  const count = 1 + Math.floor(random() * 5);
  const strongest = Math.floor(random() * count);
  const first = Math.floor(random() * categories.length);
  const stride = pick(strides, random);
  return Array.from({ length: count }, (_, position) => {
    const hundredths = position === strongest ? top : Math.floor(random() * top);
    return { category: categories[(first + position * stride) % categories.length] ?? 'news', score: hundredths / 100 };
  });
}

function pick<T>(values: readonly T[], random: () => number): T {
  return values[Math.floor(random() * values.length)] as T;
}

/** Numbers in [0, 1): mulberry32, started from a mix of index and seed so that neighbours have nothing in common. */
function randomSequence(index: number, seed: number): () => number {
  let state = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 15), 0xc2b2ae35);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
