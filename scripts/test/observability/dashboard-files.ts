import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The dashboards of Grafana as the tests read them: the committed files, as Grafana gets them. */

export const grafanaFolder = fileURLToPath(new URL('../../../k8s/infra/prometheus-grafana/grafana', import.meta.url));

export interface Panel {
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly legendFormat: string;
    readonly datasource: { readonly uid: string };
  }[];
  readonly links?: readonly { readonly title: string; readonly url: string }[];
  readonly fieldConfig?: {
    readonly defaults: { readonly unit?: string; readonly thresholds?: { readonly steps: readonly { readonly value: number | null }[] } };
  };
  readonly options?: { readonly yAxis?: { readonly unit?: string } };
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly editable: boolean;
  readonly graphTooltip: number;
  readonly templating: { readonly list: readonly { readonly name: string }[] };
  readonly annotations: { readonly list: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[] };
  readonly panels: readonly Panel[];
}

export function dashboardFiles(): { readonly name: string; readonly dashboard: Dashboard }[] {
  const folder = join(grafanaFolder, 'dashboards');
  return readdirSync(folder).map((name) => ({ name, dashboard: JSON.parse(readFileSync(join(folder, name), 'utf8')) as Dashboard }));
}

/** The panels that show something: no rows. */
export const panelsOf = (dashboard: Dashboard): Panel[] => dashboard.panels.filter((panel) => panel.type !== 'row');

/** A query as Prometheus gets it from Grafana, with everything chosen. @param rangeText for the two ranges that Grafana fills in. */
export function substituted(expr: string, rangeText: string): string {
  return expr
    .replaceAll('$__rate_interval', rangeText)
    .replaceAll('$__range', rangeText)
    .replaceAll(/\$(?:job|instance)\b/g, '.+');
}
