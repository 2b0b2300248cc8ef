import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  DashboardLinkBuilder,
  DashboardLinkType,
  type Panel,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as BarsBuilder } from '@grafana/grafana-foundation-sdk/bargauge';
import {
  HeatmapColorMode,
  HeatmapColorOptionsBuilder,
  PanelBuilder as HeatmapBuilder,
  YAxisConfigBuilder,
} from '@grafana/grafana-foundation-sdk/heatmap';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as NumberBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as LinesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** What a panel shows, in Helios' own words, and how that becomes a panel of Grafana. Pure. */

/** What the series is called in the legend (`{{label}}` is replaced), and the PromQL that makes it. */
export type Query = readonly [legend: string, expr: string];

export interface PanelSpec {
  /** `lines` over time (default), the last `number`, `bars` beside each other, a `heatmap` of one histogram's buckets. */
  readonly kind?: 'lines' | 'number' | 'bars' | 'heatmap';
  readonly title: string;
  /** What it means and what is good, for somebody who sees it for the first time. */
  readonly description: string;
  /** One of Grafana's units: `s`, `bytes`, `reqps`, `percentunit`, `short` ... */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Of 24 columns. */
  readonly width?: number;
  readonly height?: number;
  /** Lines above which it is orange or red; `below` turns that round. */
  readonly thresholds?: { readonly orange?: number; readonly red?: number; readonly below?: boolean };
  /** Alerts whose runbook entries the panel links to. */
  readonly alerts?: readonly string[];
  readonly stacked?: boolean;
}

/** Where the runbook stands; the same as in the `runbook_url` of the rules. */
export const runbookUrl = 'https://github.com/your-username/helios-rtb-engine/blob/main/docs/runbook.md';

export const datasource = { type: 'prometheus', uid: '${datasource}' } as const;

const DEFAULT_WIDTH = 8;
const DEFAULT_HEIGHT = 8;
const NUMBER_HEIGHT = 5;
const REF_IDS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** A selector of the chosen jobs and instances. @param labels further matchers, such as `result="failed"`. */
export function series(name: string, labels = ''): string {
  return `${name}{job=~"$job", instance=~"$instance"${labels === '' ? '' : `, ${labels}`}}`;
}

/** Per second, of a counter. */
export function rate(name: string, labels = ''): string {
  return `rate(${series(name, labels)}[$__rate_interval])`;
}

/** p50, p95, p99 and p99.9 of a classic histogram over everything chosen, in the histogram's unit. */
export function quantiles(histogram: string, labels = ''): Query[] {
  return [0.5, 0.95, 0.99, 0.999].map((quantile) => [`p${quantile * 100}`, quantileOf(quantile, histogram, labels)]);
}

/** @param by further labels that stay apart, such as `route`. */
export function quantileOf(quantile: number, histogram: string, labels = '', by = ''): string {
  const kept = by === '' ? 'le' : `le, ${by}`;
  return `histogram_quantile(${quantile}, sum by (${kept}) (${rate(`${histogram}_bucket`, labels)}))`;
}

export function buildPanel(spec: PanelSpec): Builder<Panel> {
  const { kind = 'lines', width = DEFAULT_WIDTH, height = kind === 'number' ? NUMBER_HEIGHT : DEFAULT_HEIGHT } = spec;
  return common(startOf(spec, kind), spec).span(width).height(height);
}

type AnyBuilder = LinesBuilder | NumberBuilder | BarsBuilder | HeatmapBuilder;

/** What all kinds of panels have. */
function common<B extends AnyBuilder>(builder: B, spec: PanelSpec): B {
  builder.title(spec.title).description(spec.description).datasource(datasource).thresholds(thresholdsOf(spec)).targets(targetsOf(spec));
  builder.links((spec.alerts ?? []).map((alert) => runbookLink(alert, alert)));
  return builder;
}

export function runbookLink(title: string, alert: string | null): DashboardLinkBuilder {
  return new DashboardLinkBuilder(alert === null ? title : `Runbook: ${title}`)
    .type(DashboardLinkType.Link)
    .icon('doc')
    .tooltip('')
    .tags([])
    .url(alert === null ? runbookUrl : `${runbookUrl}#${alert.toLowerCase()}`)
    .targetBlank(true);
}

function startOf(spec: PanelSpec, kind: NonNullable<PanelSpec['kind']>): AnyBuilder {
  switch (kind) {
    case 'number':
      return new NumberBuilder()
        .unit(spec.unit)
        .reduceOptions(lastValue())
        .graphMode(BigValueGraphMode.Area)
        .colorMode(spec.thresholds === undefined ? BigValueColorMode.None : BigValueColorMode.Value);
    case 'bars':
      return new BarsBuilder().unit(spec.unit).reduceOptions(lastValue()).orientation(VizOrientation.Horizontal).min(0);
    case 'heatmap':
      return heatmap(spec);
    default:
      return lines(spec);
  }
}

function heatmap(spec: PanelSpec): HeatmapBuilder {
  return new HeatmapBuilder()
    .unit('short')
    .yAxis(new YAxisConfigBuilder().unit(spec.unit))
    .color(new HeatmapColorOptionsBuilder().mode(HeatmapColorMode.Scheme).scheme('Spectral').steps(64).exponent(0.5))
    .calculate(false)
    .showLegend();
}

function lines(spec: PanelSpec): LinesBuilder {
  const builder = new LinesBuilder()
    .unit(spec.unit)
    .min(0)
    .lineWidth(1)
    .fillOpacity(spec.stacked === true ? 30 : 0)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull', 'max']),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  if (spec.stacked === true) builder.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
  if (spec.thresholds !== undefined) builder.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  return builder;
}

function lastValue(): ReduceDataOptionsBuilder {
  return new ReduceDataOptionsBuilder().values(false).calcs(['lastNotNull']).fields('');
}

function thresholdsOf({ thresholds = {} }: PanelSpec): ThresholdsConfigBuilder {
  const { orange, red, below = false } = thresholds;
  const steps: Threshold[] = [];
  const step = (value: number | null, color: string): void => void steps.push({ value, color });
  if (!below) {
    step(null, 'green');
    if (orange !== undefined) step(orange, 'orange');
    if (red !== undefined) step(red, 'red');
  } else {
    step(null, red === undefined ? 'orange' : 'red');
    if (red !== undefined) step(red, orange === undefined ? 'green' : 'orange');
    if (orange !== undefined) step(orange, 'green');
  }
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}

function targetsOf({ kind, queries }: PanelSpec): DataqueryBuilder[] {
  return queries.map(([legend, expr], index) => {
    const target = new DataqueryBuilder().refId(REF_IDS.charAt(index)).datasource(datasource).expr(expr).legendFormat(legend);
    if (kind === 'heatmap') target.format(PromQueryFormat.Heatmap);
    return kind === 'bars' ? target.instant() : target.range();
  });
}
