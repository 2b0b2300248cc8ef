import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { TimePoint } from '../stats.js';
import { type ChartKind, isolatedIndexes, type SeriesKind } from './chart-kinds.js';
import { tickNames } from './number-text.js';
import type { ZoomRange } from './zoom-range.js';

/** Height of plot and axes; the width is the host's. Stated in charts.css too, for the time before there is a plot. */
const HEIGHT_PX = 200;
const LABEL_ROOM_PX = 60;
/** For half of the last time below the axis. */
const TICK_ROOM_PX = 22;
const LABEL_GAP_PX = 14;
const AXIS_MIN_PX = 56;
const AXIS_CHARACTER_PX = 7;
const AXIS_GAP_PX = 14;
const AXIS_FONT = '12px system-ui, sans-serif';
const DASH_PX = [6, 4];
/** Plots with this key move their cursors together. */
const SYNC_KEY = 'helios-charts';

export interface PlotOptions {
  readonly kind: ChartKind;
  /** Bin under the pointer, null when it left. All plots of the page call it. */
  readonly pointed: (index: number | null) => void;
  /** The reader dragged from one instant to another (Unix ms). */
  readonly dragged: (fromUnixMs: number, toUnixMs: number) => void;
  readonly doubleClicked: () => void;
}

export interface PlotView extends ZoomRange {
  readonly points: readonly TimePoint[];
  readonly zone: string;
}

/** One uPlot instance for the life of its chart: new data goes into it, a new theme is drawn from the custom properties of its host. */
export class Plot {
  readonly #host: HTMLElement;
  readonly #options: PlotOptions;
  readonly #plot: uPlot;
  readonly #size: ResizeObserver;
  #view: PlotView;
  #names: ReturnType<typeof tickNames>;
  #colours: Readonly<Record<string, string>>;
  #frame = 0;
  #quiet = false;

  constructor(host: HTMLElement, view: PlotView, options: PlotOptions) {
    this.#host = host;
    this.#options = options;
    this.#view = view;
    this.#names = tickNames(view.zone);
    this.#colours = coloursOf(host);
    this.#plot = new uPlot(this.#uPlotOptions(Math.max(1, host.clientWidth)), this.#data(), host);
    this.#size = new ResizeObserver(() => this.#resize());
    this.#size.observe(host);
  }

  show(view: PlotView): void {
    if (view.zone !== this.#view.zone) this.#names = tickNames(view.zone);
    this.#view = view;
    // The cursor stays on its bin: where it comes to lie on the way there is no move of the reader's.
    this.#quiet = true;
    this.#plot.batch(() => this.#plot.setData(this.#data()));
    this.#quiet = false;
  }

  /** Puts the cursor on a bin, or takes it away, without telling anybody. */
  point(index: number | null): void {
    const x = index === null ? undefined : this.#plot.data[0]?.[index];
    if ((this.#plot.cursor.idx ?? null) === index) return;
    this.#plot.setCursor(x === undefined ? { left: -10, top: -10 } : { left: this.#plot.valToPos(x, 'x'), top: HEIGHT_PX / 3 }, false);
  }

  /** Marks a range, or nothing. */
  mark(range: ZoomRange | null): void {
    const left = range === null ? 0 : this.#plot.valToPos(range.sinceUnixMs, 'x');
    const width = range === null ? 0 : this.#plot.valToPos(range.untilUnixMs, 'x') - left;
    this.#plot.setSelect({ left, width, top: 0, height: range === null ? 0 : this.#plot.over.clientHeight }, false);
  }

  /** Reads the colours again and draws with them. */
  repaint(): void {
    this.#colours = coloursOf(this.#host);
    this.#plot.redraw(false);
  }

  destroy(): void {
    this.#size.disconnect();
    cancelAnimationFrame(this.#frame);
    this.#plot.destroy();
  }

  /** In the next frame, so that observing and resizing do not chase each other. A hidden host has no width: nothing to do. */
  #resize(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => {
      const width = this.#host.clientWidth;
      if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: HEIGHT_PX });
    });
  }

  #data(): uPlot.AlignedData {
    const { points } = this.#view;
    return [points.map(({ time }) => Date.parse(time)), ...this.#options.kind.series.map(({ pick }) => points.map(pick))];
  }

  #colour(name: string): string {
    return this.#colours[name] ?? 'gray';
  }

  #uPlotOptions(width: number): uPlot.Options {
    const { kind } = this.#options;
    return {
      width,
      height: HEIGHT_PX,
      ms: 1,
      tzDate: (unixMs) => uPlot.tzDate(new Date(unixMs), this.#view.zone),
      legend: { show: false },
      padding: [8, kind.series.length > 1 ? LABEL_ROOM_PX : TICK_ROOM_PX, 0, 0],
      scales: {
        x: { time: true, range: () => [this.#view.sinceUnixMs, this.#view.untilUnixMs] },
        y: { range: (_plot, _low, high) => [0, kind.top ?? (high > 0 ? high * 1.08 : 1)] },
      },
      axes: this.#axes(),
      series: [{}, ...kind.series.map((series) => this.#series(series))],
      cursor: {
        y: false,
        drag: { x: true, y: false, setScale: false },
        points: { size: 7, fill: (_plot, index) => `var(${kind.series[index - 1]?.colour ?? '--ink'})`, stroke: () => 'var(--card)' },
        // Only the cursor is shared: a drag in one plot is no drag in the others.
        sync: { key: SYNC_KEY, setSeries: false, filters: { pub: (type) => type === 'mousemove' || type === 'mouseleave' } },
        bind: {
          dblclick: () => () => {
            this.#options.doubleClicked();
            return null;
          },
        },
      },
      hooks: {
        setCursor: [(plot) => (this.#quiet ? undefined : this.#options.pointed(plot.cursor.idx ?? null))],
        setSelect: [(plot) => this.#selected(plot)],
        draw: [(plot) => this.#label(plot)],
      },
    };
  }

  #axes(): uPlot.Axis[] {
    const shared: uPlot.Axis = {
      font: AXIS_FONT,
      stroke: () => this.#colour('--muted'),
      grid: { stroke: () => this.#colour('--line'), width: 1 },
      ticks: { show: false },
    };
    return [
      {
        ...shared,
        grid: { show: false },
        space: 72,
        size: 40,
        values: (_plot, ticks, _axis, _space, stepMs) => this.#names(ticks, stepMs),
      },
      { ...shared, space: 36, size: (_plot, labels) => axisWidthPx(labels), values: (_plot, ticks) => ticks.map(this.#options.kind.tick) },
    ];
  }

  #series({ label, colour, mark }: SeriesKind): uPlot.Series {
    const filled = mark === 'area' || mark === 'steps';
    const steps = mark === 'steps' ? uPlot.paths.stepped?.({ align: 1, extend: true }) : undefined;
    return {
      label,
      width: 2,
      spanGaps: false,
      stroke: () => this.#colour(colour),
      ...(mark === 'dashed' ? { dash: DASH_PX } : {}),
      ...(filled ? { fill: () => `color-mix(in srgb, ${this.#colour(colour)} 18%, transparent)` } : {}),
      ...(steps === undefined ? {} : { paths: steps }),
      points: { show: false, size: 5, filter: (plot, index) => isolatedIndexes([...(plot.data[index] ?? [])]) },
    };
  }

  #selected(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width > 0) this.#options.dragged(plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x'));
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }

  /** Where there are several series each has its name at its end, pushed apart where they would touch. */
  #label(plot: uPlot): void {
    const { series } = this.#options.kind;
    if (series.length < 2) return;
    const ratio = uPlot.pxRatio;
    const labels = series.flatMap(({ label, colour }, index) => {
      const value = [...(plot.data[index + 1] ?? [])].findLast((one) => one !== null && one !== undefined);
      return typeof value === 'number' ? [{ label, colour, y: plot.valToPos(value, 'y', true) }] : [];
    });
    labels.sort((a, b) => a.y - b.y);
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.font = `600 ${12 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = 'left';
    ctx.textBaseline = 'middle';
    let free = -Infinity;
    for (const { label, colour, y } of labels) {
      const at = Math.max(y, free);
      ctx.fillStyle = this.#colour(colour);
      ctx.fillText(label, bbox.left + bbox.width + 6 * ratio, at);
      free = at + LABEL_GAP_PX * ratio;
    }
    ctx.restore();
  }
}

/** Small money has long labels. The first time there are none yet. */
function axisWidthPx(labels: readonly string[] | null): number {
  return Math.max(AXIS_MIN_PX, ...(labels ?? []).map((label) => label.length * AXIS_CHARACTER_PX + AXIS_GAP_PX));
}

function coloursOf(host: HTMLElement): Record<string, string> {
  const style = getComputedStyle(host);
  const names = ['--ink', '--muted', '--line', '--series-1', '--series-2', '--series-3', '--series-4'];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(name).trim()]));
}
