import {
  AnnotationQueryBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { buildPanel, datasource, type PanelSpec, runbookLink } from './panel.js';

/** A dashboard of Helios: what all of them have in common, around rows of panels. Pure. */

export interface DashboardSpec {
  /** Stable: links and bookmarks name it. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly { readonly title: string; readonly panels: readonly PanelSpec[] }[];
}

const TAG = 'helios';
const ALL = { selected: true, text: ['All'], value: ['$__all'] };

export function buildDashboard(spec: DashboardSpec): Dashboard {
  const builder = new DashboardBuilder(spec.title)
    .uid(spec.uid)
    .description(spec.description)
    .tags([TAG])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .timezone('browser')
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .variables([datasourceVariable(), labelVariable('job', 'Role', ''), labelVariable('instance', 'Instance', '{job=~"$job"}')])
    .annotations([
      annotation('Alerts', 'ALERTS{alertstate="firing", job=~"$job"}', 'red', '{{alertname}} {{job}}'),
      annotation('Starts', 'changes(process_start_time_seconds{job=~"$job"}[$__rate_interval]) > 0', 'blue', '{{job}} started'),
    ])
    .links([
      runbookLink('Runbook', null),
      new DashboardLinkBuilder('Helios').type(DashboardLinkType.Dashboards).tags([TAG]).asDropdown(true).keepTime(true).includeVars(true),
    ]);
  for (const row of spec.rows) {
    builder.withRow(new RowBuilder(row.title));
    for (const panel of row.panels) builder.withPanel(buildPanel(panel));
  }
  return builder.build();
}

/** The text of its file: stable, so that a drift check compares it. */
export function dashboardText(spec: DashboardSpec): string {
  return `${JSON.stringify(buildDashboard(spec), null, 2)}\n`;
}

function datasourceVariable(): DatasourceVariableBuilder {
  return new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus');
}

/** The values of a label that services of Helios have: every one of them has helios_build_info. */
function labelVariable(name: string, label: string, selector: string): QueryVariableBuilder {
  const definition = `label_values(helios_build_info${selector}, ${name})`;
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query({ query: definition, refId: name })
    .definition(definition)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current(ALL);
}

function annotation(name: string, expr: string, iconColor: string, title: string): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder().name(name).datasource(datasource).enable(true).iconColor(iconColor).expr(expr).titleFormat(title);
}
