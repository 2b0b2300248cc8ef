/** What a key does in a chart: the cursor goes to another bin, and with Shift the marked range goes with it. */

export interface ChartCursor {
  /** Index of a bin; null: nowhere. */
  readonly index: number | null;
  /** Where the marked range began; null: nothing is marked. */
  readonly anchor: number | null;
}

export type KeyEffect = { readonly kind: 'move'; readonly cursor: ChartCursor } | { readonly kind: 'zoom' } | { readonly kind: 'none' };

const PAGE_BINS = 10;
const nowhere: ChartCursor = { index: null, anchor: null };

/**
 * Arrows move by one bin, Page Up and Page Down by ten, Home and End to the first and last; Enter zooms into the marked range; Escape
 * takes cursor and mark away. The first arrow puts the cursor on the newest bin. `count` is the number of bins.
 */
export function keyEffect(key: string, shift: boolean, cursor: ChartCursor, count: number): KeyEffect {
  if (key === 'Enter') return cursor.anchor === null ? { kind: 'none' } : { kind: 'zoom' };
  if (key === 'Escape') return cursor.index === null && cursor.anchor === null ? { kind: 'none' } : { kind: 'move', cursor: nowhere };
  const last = count - 1;
  const target = targetOf(key, cursor.index, last);
  if (target === null || last < 0) return { kind: 'none' };
  const index = Math.min(last, Math.max(0, target));
  return { kind: 'move', cursor: { index, anchor: shift ? (cursor.anchor ?? cursor.index ?? index) : null } };
}

function targetOf(key: string, index: number | null, last: number): number | null {
  switch (key) {
    case 'Home':
      return 0;
    case 'End':
      return last;
    case 'ArrowLeft':
      return index === null ? last : index - 1;
    case 'ArrowRight':
      return index === null ? last : index + 1;
    case 'PageUp':
      return (index ?? last) - PAGE_BINS;
    case 'PageDown':
      return (index ?? last) + PAGE_BINS;
    default:
      return null;
  }
}
