import type { Signal } from '@preact/signals';
import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks';
import type { TimePoint } from '../stats.js';
import { type ChartCursor, keyEffect } from './chart-keys.js';
import type { ChartKind, SeriesKind } from './chart-kinds.js';
import { chartTable } from './chart-rows.js';
import { chartSummary } from './chart-summary.js';
import { binNames } from './number-text.js';
import { Plot } from './plot.js';
import { watchTheme } from './theme-watch.js';
import { type Bins, binRange, snappedRange, type ZoomRange } from './zoom-range.js';

export interface ChartFigureProps {
  readonly kind: ChartKind;
  /** Null while nothing has been loaded. */
  readonly points: readonly TimePoint[] | null;
  readonly bins: Bins;
  readonly range: ZoomRange & { readonly intervalMs: number; readonly zone: string };
  readonly dimmed: boolean;
  /** One for all charts. */
  readonly cursor: Signal<ChartCursor>;
  readonly onZoom: (range: ZoomRange) => void;
  readonly onZoomOut: () => void;
  readonly helpId: string;
}

/** One chart: heading, legend with the values at the cursor, the plot or its table, and the summary in words. */
export function ChartFigure(props: ChartFigureProps) {
  const { kind, points, range, dimmed } = props;
  const id = useId();
  const [asTable, setAsTable] = useState(false);
  const binName = useMemo(() => binNames(range.intervalMs, range.zone), [range.intervalMs, range.zone]);
  const summary = useMemo(() => (points === null ? null : chartSummary(kind, points, binName)), [kind, points, binName]);
  return (
    <figure
      class={`chart${kind.series.length > 1 ? ' several' : ''}${dimmed ? ' dimmed' : ''}`}
      aria-labelledby={id}
      aria-busy={points === null}
    >
      <div class="chart-head">
        <h3 id={id}>
          {kind.title} <span class="muted">{kind.unit}</span>
        </h3>
        <button
          type="button"
          class="button small"
          aria-pressed={asTable}
          aria-label={`${kind.title} as a table`}
          onClick={() => setAsTable(!asTable)}
        >
          Table
        </button>
      </div>
      <Legend {...props} binName={binName} />
      <div class="chart-box">
        {points === null ? (
          <span class="bone chart-bone" />
        ) : (
          <>
            <Canvas {...props} points={points} binName={binName} hidden={asTable} />
            {asTable ? <Twin kind={kind} points={points} binName={binName} /> : null}
          </>
        )}
      </div>
      <figcaption>{summary ?? <span class="unseen">Loading.</span>}</figcaption>
    </figure>
  );
}

type Named = { readonly binName: (unixMs: number) => string };

/** The values at the cursor; without one, those of the newest bin. */
function Legend({ kind, points, cursor, binName }: ChartFigureProps & Named) {
  const point = points?.[cursor.value.index ?? points.length - 1] ?? points?.at(-1);
  return (
    <ul class="chart-legend">
      <li class="muted">{point === undefined ? '\u00a0' : binName(Date.parse(point.time))}</li>
      {kind.series.map((series) => (
        <li key={series.label}>
          <Sample series={series} /> {series.label} <b>{point === undefined ? '\u00a0' : valueText(kind, series, point)}</b>
        </li>
      ))}
    </ul>
  );
}

/** What the series looks like: line, dashes or area. */
function Sample({ series }: { series: SeriesKind }) {
  const filled = series.mark === 'area' || series.mark === 'steps';
  return (
    <svg class={`sample${series.colour.slice('--series'.length)}`} viewBox="0 0 20 10" width="20" height="10" aria-hidden="true">
      {filled ? <path class="fill" d="M0 3H20V10H0Z" /> : null}
      <path d={filled ? 'M0 3H20' : 'M0 5H20'} {...(series.mark === 'dashed' ? { 'stroke-dasharray': '6 4' } : {})} />
    </svg>
  );
}

/** The plot, which is operated like a slider over its bins. */
function Canvas(props: ChartFigureProps & Named & { points: readonly TimePoint[]; hidden: boolean }) {
  const { kind, points, bins, range, cursor, binName } = props;
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const view = useMemo(() => ({ ...range, points }), [range.sinceUnixMs, range.untilUnixMs, range.zone, points]);

  useEffect(() => {
    if (host.current === null) return undefined;
    const made = new Plot(host.current, view, {
      kind,
      pointed: (index) => {
        const { cursor } = latest.current;
        if (cursor.peek().index !== index) cursor.value = { index, anchor: null };
      },
      dragged: (from, to) => {
        const zoom = snappedRange(latest.current.bins, from, to);
        if (zoom !== null) latest.current.onZoom(zoom);
      },
      doubleClicked: () => latest.current.onZoomOut(),
    });
    plot.current = made;
    const unwatch = watchTheme(() => made.repaint());
    return () => {
      unwatch();
      made.destroy();
      plot.current = null;
    };
  }, [kind]);
  useEffect(() => plot.current?.show(view), [view]);

  const { index, anchor } = cursor.value;
  const marked = anchor === null ? null : index;
  useEffect(() => plot.current?.point(index), [index, view]);
  // Not at each move of the cursor: what the pointer is dragging is not to be taken away.
  useEffect(() => plot.current?.mark(anchor === null || marked === null ? null : spanOf(bins, anchor, marked)), [marked, anchor, view]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const effect = keyEffect(event.key, event.shiftKey, cursor.peek(), points.length);
    if (effect.kind === 'none') return;
    event.preventDefault();
    event.stopPropagation();
    if (effect.kind === 'move') cursor.value = effect.cursor;
    else if (anchor !== null && index !== null) {
      const zoom = binRange(bins, anchor, index);
      cursor.value = { index: null, anchor: null };
      if (zoom !== null) props.onZoom(zoom);
    }
  };
  const at = Math.min(index ?? points.length - 1, points.length - 1);
  return (
    <div
      ref={host}
      class="chart-plot"
      hidden={props.hidden}
      role="slider"
      tabIndex={0}
      aria-label={`${kind.title} over time`}
      aria-describedby={props.helpId}
      aria-valuemin={0}
      aria-valuemax={Math.max(0, points.length - 1)}
      aria-valuenow={Math.max(0, at)}
      aria-valuetext={spoken(kind, points[at], binName)}
      onKeyDown={onKeyDown}
    />
  );
}

/** The same data as a table, oldest first. Long ones scroll. */
function Twin({ kind, points, binName }: { kind: ChartKind; points: readonly TimePoint[] } & Named) {
  const { columns, rows } = useMemo(() => chartTable(kind, points, binName), [kind, points, binName]);
  return (
    <div class="chart-table" role="region" aria-label={`${kind.title}, table`} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([time, ...values], row) => (
            <tr key={points[row]?.time}>
              <th scope="row">{time}</th>
              {values.map((value, column) => (
                <td key={columns[column + 1]}>{value}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function valueText(kind: ChartKind, series: SeriesKind, point: TimePoint): string {
  const value = series.pick(point);
  return value === null ? '–' : kind.text(value);
}

function spoken(kind: ChartKind, point: TimePoint | undefined, binName: (unixMs: number) => string): string {
  if (point === undefined) return 'no values';
  const values = kind.series.map((series) => {
    const value = series.pick(point);
    return `${series.label} ${value === null ? 'none' : kind.text(value)}`;
  });
  return `${binName(Date.parse(point.time))}: ${values.join(', ')}`;
}

/** What is marked while it grows: one bin too, which cannot be zoomed into. */
function spanOf(bins: Bins, anchor: number, index: number): ZoomRange | null {
  const [first, last] = anchor <= index ? [anchor, index] : [index, anchor];
  const since = bins.startsUnixMs[first];
  const lastStart = bins.startsUnixMs[last];
  if (since === undefined || lastStart === undefined) return null;
  return { sinceUnixMs: since, untilUnixMs: bins.startsUnixMs[last + 1] ?? lastStart + bins.intervalMs };
}
