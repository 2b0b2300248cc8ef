import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readStoredProfile } from '../src/stored-profile.js';

interface Case {
  title: string;
  key: string;
  stored?: string;
  stored_hex?: string;
  /** Filled up with blanks, which JSON allows, to this many bytes. */
  pad_to_bytes?: number;
  profile?: object;
  dropped?: number;
  fault?: string;
}

const cases = JSON.parse(readFileSync(new URL('cases/stored-profiles.json', import.meta.url), 'utf8')) as Case[];

describe('a stored profile', () => {
  it.each(cases.filter((entry) => entry.fault === undefined))('is read: $title', (entry) => {
    expect(readStoredProfile(bytesOf(entry), entry.key)).toEqual({ ok: true, profile: entry.profile, droppedInterests: entry.dropped });
  });

  it.each(cases.filter((entry) => entry.fault !== undefined))('is corrupt: $title', (entry) => {
    const stored = readStoredProfile(bytesOf(entry), entry.key);
    expect(stored).toMatchObject({ ok: false, fault: entry.fault });
    expect(!stored.ok && stored.detail).not.toBe('');
  });

  it('is read from the middle of a larger buffer', () => {
    const text = Buffer.from('{"locale":"x"}{"locale":"fr-FR"}{"locale":"y"}');
    const middle = new Uint8Array(text.buffer, text.byteOffset + 14, 18);
    expect(readStoredProfile(middle, 'user-1')).toMatchObject({ ok: true, profile: { locale: 'fr-FR' } });
  });
});

function bytesOf(entry: Case): Buffer {
  const bytes = entry.stored_hex === undefined ? Buffer.from(entry.stored ?? '') : Buffer.from(entry.stored_hex, 'hex');
  return entry.pad_to_bytes === undefined ? bytes : Buffer.concat([bytes, Buffer.alloc(entry.pad_to_bytes - bytes.length, ' ')]);
}
