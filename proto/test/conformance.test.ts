/**
 * Real requests, where the checkout has them beside it: OpenRTB requests from public servers' own test suites with a
 * verdict each, and an exchange's traffic. The repository's own cases stand in cases/bid-requests.json.
 */
import { Buffer } from 'node:buffer';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parseBidRequest } from '../src/bid-request.js';

interface ConformanceLine {
  source: string;
  name: string;
  want: 'accept' | 'reject';
  strength: 'must' | 'type' | 'ext' | 'policy' | null;
  rule?: string;
  body: unknown;
}

/** Attributes that Helios reads: only there a wrong type is refused. Source: spec section 2.2. */
const readAttributes = new Set([
  ...['id', 'imp', 'at', 'tmax', 'test', 'cur', 'site', 'app', 'dooh', 'user'].map((name) => `BidRequest.${name}`),
  ...['id', 'banner', 'video', 'audio', 'native', 'bidfloor', 'bidfloorcur'].map((name) => `Imp.${name}`),
  'Banner.w',
  'Banner.h',
  'Banner.format',
  'Format.w',
  'Format.h',
  'Site.domain',
  'App.bundle',
  'DOOH.id',
  'User.id',
  'User.buyeruid',
]);

/** Lines of the traffic that lack `video.mimes`. */
const invalidTraffic = [4039, 4042];

const corpus = new URL('../../../shared/corpus/', import.meta.url);

function linesOf(file: string): unknown[] | null {
  const path = fileURLToPath(new URL(file, corpus));
  if (!existsSync(path)) return null;
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as unknown);
}

function wanted(line: ConformanceLine): 'accept' | 'reject' {
  if (line.want === 'accept' || line.strength !== 'type') return line.want;
  return readAttributes.has(line.rule?.split(' ')[0] ?? '') ? 'reject' : 'accept';
}

describe('conformance', () => {
  const lines = linesOf('conformance.jsonl') as ConformanceLine[] | null;
  test.skipIf(lines === null)('every request of conformance.jsonl gets its verdict (skipped where the shared corpus is absent)', () => {
    const short: string[] = [];
    for (const [index, line] of (lines ?? []).entries()) {
      const parsed = parseBidRequest(Buffer.from(JSON.stringify(line.body)));
      const got = parsed.ok ? 'accept' : 'reject';
      if (got === wanted(line)) continue;
      const why = parsed.ok ? (line.rule ?? '') : parsed.fault.detail;
      short.push(`line ${index + 1} (${line.source}, ${line.name}): wanted ${wanted(line)}, got ${got}: ${why}`);
    }
    expect(short.join('\n')).toBe('');
    expect(lines?.length).toBeGreaterThan(0);
  });

  const traffic = linesOf('traffic.jsonl') as { body: unknown }[] | null;
  test.skipIf(traffic === null)(
    'all traffic but the two lines without video.mimes is valid (skipped where the shared corpus is absent)',
    () => {
      const refused: string[] = [];
      for (const [index, line] of (traffic ?? []).entries()) {
        const parsed = parseBidRequest(Buffer.from(JSON.stringify(line.body)));
        if (!parsed.ok) refused.push(`${index + 1} ${parsed.fault.field}`);
      }
      expect(refused).toEqual(invalidTraffic.map((line) => `${line} /imp/0/video/mimes`));
    },
  );
});
