import { useSignal } from '@preact/signals';
import { useId, useMemo } from 'preact/hooks';
import type { TimePoint } from '../stats.js';
import { ChartFigure } from './chart-figure.js';
import type { ChartCursor } from './chart-keys.js';
import { chartKinds } from './chart-kinds.js';
import './charts.css';
import { type Bins, type ZoomRange, zoomedIn, zoomedOut } from './zoom-range.js';

export interface ChartPanelsProps {
  /** Ascending; null until the first answer: a skeleton of the final size. */
  readonly points: readonly TimePoint[] | null;
  /** What the x axis shows, in `zone` (IANA name); `intervalMs` is the width of a bin. */
  readonly range: { readonly sinceUnixMs: number; readonly untilUnixMs: number; readonly intervalMs: number; readonly zone: string };
  /** Being refreshed, or no longer up to date. */
  readonly dimmed: boolean;
  /** The reader asks for another range; it begins and ends with a bin. */
  readonly onZoom: (range: { sinceUnixMs: number; untilUnixMs: number }) => void;
}

/** Four charts over one time axis, with one cursor: win rate, bids and wins, spend, bid price against market price. */
export function ChartPanels({ points, range, dimmed, onZoom }: ChartPanelsProps) {
  const helpId = useId();
  const cursor = useSignal<ChartCursor>({ index: null, anchor: null });
  const bins = useMemo<Bins>(
    () => ({ startsUnixMs: points === null ? [] : points.map(({ time }) => Date.parse(time)), intervalMs: range.intervalMs }),
    [points, range.intervalMs],
  );
  const zoom = (next: ZoomRange | null) => {
    if (next === null) return;
    cursor.value = { index: null, anchor: null };
    onZoom(next);
  };
  const zoomOut = () => zoom(zoomedOut(range, range.intervalMs, Date.now()));
  return (
    <div class="charts">
      <div class="chart-tools">
        <button
          type="button"
          class="button small"
          disabled={zoomedIn(bins, null) === null}
          onClick={() => zoom(zoomedIn(bins, cursor.peek().index))}
        >
          Zoom in
        </button>
        <button type="button" class="button small" disabled={points === null} onClick={zoomOut}>
          Zoom out
        </button>
        <p id={helpId} class="muted">
          Drag across a chart to zoom, double-click to zoom out. By keyboard: arrows, Page Up and Page Down, Home and End move the cursor;
          with Shift they mark a range, Enter zooms into it, Escape lets go.
        </p>
      </div>
      <div class="chart-grid">
        {chartKinds.map((kind) => (
          <ChartFigure
            key={kind.id}
            kind={kind}
            points={points}
            bins={bins}
            range={range}
            dimmed={dimmed}
            cursor={cursor}
            onZoom={zoom}
            onZoomOut={zoomOut}
            helpId={helpId}
          />
        ))}
      </div>
    </div>
  );
}
