import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { dashboards } from '../../src/dashboards/all.js';
import { prometheusAbsent, whySkipped } from '../absent-servers.js';
import { dashboardFiles, grafanaFolder, panelsOf, substituted } from './dashboard-files.js';
import { metricNames } from './promql.js';
import { allRules, readYaml } from './rule-files.js';

const files = dashboardFiles();
const panels = files.flatMap(({ name, dashboard }) => panelsOf(dashboard).map((panel) => ({ name, title: panel.title, panel })));
const alerts = allRules().flatMap((rule) => rule.alert ?? []);

describe.each(files)('$name', ({ name, dashboard }) => {
  it('has what every dashboard of Helios has', () => {
    expect(`${dashboard.uid}.json`).toBe(name);
    expect(dashboard).toMatchObject({ editable: false, graphTooltip: 1, tags: ['helios'] });
    expect(dashboard.title).toMatch(/^Helios /);
    expect(dashboard.description).toMatch(/\.$/);
    expect(dashboard.templating.list.map((variable) => variable.name)).toEqual(['datasource', 'job', 'instance']);
    for (const annotation of dashboard.annotations.list) expect(annotation.datasource.uid).toBe('${datasource}');
  });

  it('has panels with titles of their own that do not cover each other', () => {
    const titles = panelsOf(dashboard).map((panel) => panel.title);
    expect(new Set(titles).size).toBe(titles.length);
    const taken = new Set<string>();
    for (const { gridPos, title } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x},${y}`), title).toBe(false);
          taken.add(`${x},${y}`);
        }
      }
    }
  });
});

describe.each(panels)('$name: $title', ({ panel }) => {
  it('says what it shows, in which unit, and where it gets worrying', () => {
    expect(panel.description).toMatch(/\.$/);
    const { unit, thresholds } = panel.fieldConfig?.defaults ?? {};
    expect(panel.type === 'heatmap' ? panel.options?.yAxis?.unit : unit).toMatch(/\w/);
    expect(thresholds?.steps[0]?.value).toBeNull();
    for (const link of panel.links ?? []) expect(alerts.map((alert) => alert.toLowerCase())).toContain(link.url.split('#')[1]);
  });

  it('asks the chosen source for the chosen jobs and instances, over the range that fits the scrapes', () => {
    expect(panel.targets?.length).toBeGreaterThan(0);
    for (const { expr, legendFormat, datasource } of panel.targets ?? []) {
      expect([panel.datasource?.uid, datasource.uid]).toEqual(['${datasource}', '${datasource}']);
      expect(legendFormat).not.toBe('');
      expect(expr).not.toMatch(/\[(?!\$__rate_interval\]|\$__range\])/);
      expect(expr).not.toMatch(/\bor\s+(?:on\s*\(\)\s*)?vector\b/);
      for (const [selector, metric = ''] of expr.matchAll(/([a-zA-Z_:][\w:]*)\{[^}]*\}/g)) {
        expect(selector).toContain('job=~"$job"');
        // A recorded series has no instance any more, and not every alert has one.
        if (!metric.includes(':') && metric !== 'ALERTS') expect(selector).toContain('instance=~"$instance"');
      }
      const selected = [...expr.matchAll(/([a-zA-Z_:][\w:]*)\{/g)].map(([, metric]) => metric);
      expect(metricNames(expr).filter((metric) => !selected.includes(metric))).toEqual([]);
    }
  });
});

it('every alert is linked from a panel that shows its cause', () => {
  const linked = panels.flatMap(({ panel }) => (panel.links ?? []).map((link) => link.url.split('#')[1]));
  expect(alerts.filter((alert) => !linked.includes(alert.toLowerCase()))).toEqual([]);
});

it('every dashboard of the code has its file, and no other is there', () => {
  expect(files.map((file) => file.name).toSorted()).toEqual(dashboards.map((spec) => `${spec.uid}.json`).toSorted());
});

it('Grafana reads them from files, and nobody changes them by hand', () => {
  expect(readYaml(join(grafanaFolder, 'provisioning/dashboards/helios.yaml'))).toMatchObject({
    providers: [{ type: 'file', allowUiUpdates: false }],
  });
  expect(readYaml(join(grafanaFolder, 'provisioning/datasources/prometheus.yaml'))).toMatchObject({
    datasources: [{ type: 'prometheus', editable: false }],
  });
});

describe.skipIf(prometheusAbsent !== undefined)(`the queries, by promtool${whySkipped(prometheusAbsent)}`, () => {
  it('are valid PromQL', () => {
    const folder = mkdtempSync(join(tmpdir(), 'helios-queries-'));
    const exprs = files.flatMap(({ dashboard }) => [
      ...dashboard.annotations.list.map((annotation) => annotation.expr),
      ...panelsOf(dashboard).flatMap((panel) => (panel.targets ?? []).map((target) => target.expr)),
    ]);
    const rules = exprs.map((expr, index) => ({ record: `query_${index}`, expr: substituted(expr, '1m') }));
    const file = join(folder, 'queries.yml');
    writeFileSync(file, stringify({ groups: [{ name: 'queries', rules }] }));
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    expect(status, `${stdout}${stderr}`).toBe(0);
  });
});
