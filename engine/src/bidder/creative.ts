import type { Creative } from '@helios/proto/events';

/** The ad to be shown (pure). */

/** A line of text for an interest's category; the house ad where no interest is known. */
const HOUSE_LINE = 'Discover something new';

/**
 * Builds the creative of one slot: an id that names category and size, and self-contained HTML in which every value is escaped.
 * `category` comes from a profile and is treated as hostile. `w` and `h` in device-independent pixels.
 */
export function creativeFor(category: string | null, w: number, h: number): Creative {
  const name = category === null ? 'house' : slug(category);
  const line = category === null ? HOUSE_LINE : `More about ${category}`;
  const adm =
    `<div class="helios-ad" data-creative="${escapeHtml(name)}" style="width:${w}px;height:${h}px;overflow:hidden;` +
    `display:flex;align-items:center;justify-content:center;font:16px sans-serif">${escapeHtml(line)}</div>`;
  return { id: `${name}-${w}x${h}`, w, h, adm };
}

/** Escapes text for HTML content and double-quoted attributes. */
export function escapeHtml(text: string): string {
  return /[&<>"']/.test(text) ? text.replace(/[&<>"']/g, (character) => entities[character] as string) : text;
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** At most 40 characters of lower-case letters, digits and dashes. */
function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40);
}
