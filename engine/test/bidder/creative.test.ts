import { eventLimits } from '@helios/proto/events';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { creativeFor, escapeHtml } from '../../src/bidder/creative.js';

const entities: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };

function unescapeHtml(text: string): string {
  return text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => entities[entity] ?? '');
}

/** The parts of the one element that a creative is; fails when the markup is anything but that. */
function partsOf(adm: string): { name: string; style: string; text: string } {
  const match = /^<div class="helios-ad" data-creative="([^"<>]*)" style="([^"<>]*)">([^<>"']*)<\/div>$/s.exec(adm);
  if (match === null) throw new Error(`more than one plain element: ${adm}`);
  const [, name, style, text] = match as unknown as [string, string, string, string];
  return { name, style, text };
}

describe('a creative', () => {
  test('names the category and the size, and is shown at that size', () => {
    const creative = creativeFor('sports', 300, 250);
    expect(creative).toMatchObject({ id: 'sports-300x250', w: 300, h: 250 });
    expect(partsOf(creative.adm)).toMatchObject({ name: 'sports', text: 'More about sports' });
    expect(partsOf(creative.adm).style).toContain('width:300px;height:250px;');
  });

  test('is the house ad where no interest is known', () => {
    const creative = creativeFor(null, 728, 90);
    expect(creative.id).toBe('house-728x90');
    expect(partsOf(creative.adm).text).not.toContain('null');
  });

  test.each([
    '<script>alert(1)</script>',
    '" onload="alert(1)',
    "' onload='alert(1)",
    '</div><img src=x onerror=alert(1)>',
    '&lt;',
    '${x}',
  ])('shows the hostile category %s as text', (category) => {
    const { name, text } = partsOf(creativeFor(category, 1, 1).adm);
    expect(unescapeHtml(text)).toBe(`More about ${category}`);
    expect(name).toMatch(/^[a-z0-9-]*$/);
  });

  test('shows any category as text and nothing else, within the bounds of a bid', () => {
    const category = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 256 }),
      fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', ';', '/', 'a'), maxLength: 256 }),
    );
    fc.assert(
      fc.property(category, fc.nat(2_147_483_647), fc.nat(2_147_483_647), (category, w, h) => {
        const { id, adm } = creativeFor(category, w, h);
        const { text } = partsOf(adm);
        expect(text.replace(/&(?:amp|lt|gt|quot|#39);/g, '')).not.toMatch(/[<>"'&]/);
        expect(unescapeHtml(text)).toBe(`More about ${category}`);
        expect(id).toMatch(/^[a-z0-9-]{0,40}-\d+x\d+$/);
        expect(adm.length).toBeLessThanOrEqual(eventLimits.admMaxLength);
      }),
    );
  });
});

test('escaping can be undone, and leaves plain text as it is', () => {
  expect(escapeHtml('plain text, größe')).toBe('plain text, größe');
  const hostile = fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', 'amp;', 'x') });
  fc.assert(
    fc.property(hostile, (text) => {
      expect(unescapeHtml(escapeHtml(text))).toBe(text);
    }),
  );
});
