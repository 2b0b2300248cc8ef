import { isUtf8 } from 'node:buffer';
import type { Interest, UserProfile } from '@helios/proto/gen/user_profile';

/** A profile as it lies in the store: a JSON object with the proto's snake_case names. Pure. Source: spec S2.2 and section 2.5. */

/** A stored profile longer than this is corrupt, whatever it says. */
export const storedProfileMaxBytes = 16 * 1024;

export type StoredProfileFault = 'too_large' | 'not_json' | 'wrong_shape';

export type StoredProfile =
  | { readonly ok: true; readonly profile: UserProfile; readonly droppedInterests: number }
  | { readonly ok: false; readonly fault: StoredProfileFault; readonly detail: string };

/**
 * Reads what is stored under a user's id.
 *
 * `locale`, `interests` and `demographics` may be absent or null; `user_id` too, it is the key then. Other fields are not looked at.
 * An interest whose score is not a finite number in 0..1 is dropped and counted; any other value of a wrong type is a fault of the whole
 * profile, and so is the id of another user.
 * @param value the stored bytes; longer ones than `storedProfileMaxBytes` may come cut off.
 * @param userId the key that it lies under, not empty.
 * @returns the profile and how many interests were dropped, or what is wrong with it.
 */
export function readStoredProfile(value: Uint8Array, userId: string): StoredProfile {
  if (value.byteLength > storedProfileMaxBytes) return fault('too_large', `longer than ${storedProfileMaxBytes} bytes`);
  if (!isUtf8(value)) return fault('not_json', 'not UTF-8');
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8'));
  } catch (error) {
    return fault('not_json', error instanceof Error ? error.message : String(error));
  }
  if (!isObject(json)) return fault('wrong_shape', 'not an object');
  const storedId = json['user_id'] ?? userId;
  if (storedId !== userId) return fault('wrong_shape', 'user_id is not the id that the profile is stored under');
  const locale = json['locale'] ?? '';
  if (typeof locale !== 'string') return fault('wrong_shape', 'locale is not a string');
  const stored = json['interests'] ?? [];
  if (!Array.isArray(stored)) return fault('wrong_shape', 'interests is not an array');
  const interests: Interest[] = [];
  for (const [index, entry] of stored.entries()) {
    if (!isObject(entry)) return fault('wrong_shape', `interests[${index}] is not an object`);
    const { category, score } = entry;
    if (typeof category !== 'string') return fault('wrong_shape', `interests[${index}].category is not a string`);
    if (isScore(score)) interests.push({ category, score });
  }
  const demographics = json['demographics'] ?? {};
  if (!isObject(demographics)) return fault('wrong_shape', 'demographics is not an object');
  if (!hasTextValues(demographics)) return fault('wrong_shape', 'demographics has a value that is not a string');
  return { ok: true, profile: { user_id: userId, locale, interests, demographics }, droppedInterests: stored.length - interests.length };
}

function isScore(score: unknown): score is number {
  // NaN fails both comparisons; 1e400 is Infinity by the time it is read.
  return typeof score === 'number' && score >= 0 && score <= 1;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasTextValues(value: Record<string, unknown>): value is Record<string, string> {
  for (const name in value) if (typeof value[name] !== 'string') return false;
  return true;
}

function fault(kind: StoredProfileFault, detail: string): StoredProfile {
  return { ok: false, fault: kind, detail };
}
