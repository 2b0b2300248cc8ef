import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { prometheusAbsent, whySkipped } from '../absent-servers.js';
import { dashboardFiles } from './dashboard-files.js';
import { allRules, allRuleTests, ruleFiles } from './rule-files.js';

const RUNBOOK_URL = 'https://github.com/your-username/helios-rtb-engine/blob/main/docs/runbook.md#';
const docs = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
const alerts = allRules().filter((rule) => rule.alert !== undefined);
const names = alerts.map((rule) => rule.alert ?? '');

function promtool(...args: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}

describe.skipIf(prometheusAbsent !== undefined)(`the rules, by promtool${whySkipped(prometheusAbsent)}`, () => {
  it('are valid, and no two of them are the same', () => {
    const { status, said } = promtool('check', 'rules', '--lint=all', '--lint-fatal', ...ruleFiles());
    expect(status, said).toBe(0);
  });

  it('fire when they should and keep still when they should', { timeout: 120_000 }, () => {
    const { status, said } = promtool('test', 'rules', ...ruleFiles('rules/tests'));
    expect(status, said).toBe(0);
  });
});

describe('every alert', () => {
  it.each(names)('%s has a test in which it fires and one in which it does not', (name) => {
    const tests = allRuleTests().filter((candidate) => candidate.alertname === name);
    expect(tests.some((candidate) => candidate.exp_alerts.length > 0)).toBe(true);
    expect(tests.some((candidate) => candidate.exp_alerts.length === 0)).toBe(true);
  });

  it.each(alerts)('$alert says how severe it is, what happens, with the value, and where to read on', (rule) => {
    expect(rule.alert).toMatch(/^Helios[A-Z]\w+$/);
    expect(['page', 'ticket']).toContain(rule.labels?.['severity']);
    expect(rule.annotations?.['summary']).toMatch(/^[A-Z]/);
    expect(rule.annotations?.['description']).toContain('{{ $value');
    expect(rule.annotations?.['runbook_url']).toBe(`${RUNBOOK_URL}${rule.alert?.toLowerCase()}`);
  });
});

test('the alerts of the rules are the entries of docs/runbook.md and the rows of docs/observability.md', () => {
  const entries = [...docs('runbook.md').matchAll(/^## (\w+)$/gm)].map((match) => match[1] ?? '');
  expect(entries.toSorted()).toEqual(names.toSorted());
  const rows = [...docs('observability.md').matchAll(/^\| \[(\w+)\]\(runbook\.md#(\w+)\) \| (\w+) \|/gm)];
  expect(rows.map(([, name, anchor, severity]) => `${name} ${anchor} ${severity}`).toSorted()).toEqual(
    alerts.map((rule) => `${rule.alert} ${rule.alert?.toLowerCase()} ${rule.labels?.['severity']}`).toSorted(),
  );
});

test('every entry of docs/runbook.md says what it means, what people notice, where to look and how to mend it', () => {
  for (const entry of docs('runbook.md').split(/^## /m).slice(1)) {
    const points = [...entry.matchAll(/^- \*\*(.+?)\*\*: ./gm)].map((match) => match[1]);
    expect(points, entry.slice(0, 40)).toEqual(['Means', 'People notice', 'Look', 'Mend']);
  }
});

test('the graphs that docs/runbook.md names are on the dashboards', () => {
  const titles = new Set(dashboardFiles().flatMap(({ dashboard }) => [dashboard.title, ...dashboard.panels.map(({ title }) => title)]));
  const prose = docs('runbook.md').replaceAll(/`[^`\n]*`/g, '');
  const named = [...prose.matchAll(/(?<!\*)\*([^*\n]+)\*(?!\*)/g)].map(([, title = '']) => title);
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((title) => !titles.has(title))).toEqual([]);
});

test('the links of docs/runbook.md and docs/observability.md lead somewhere', () => {
  for (const page of ['runbook.md', 'observability.md']) {
    const links = [...docs(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)]+))?\)/g)];
    expect(links.length).toBeGreaterThan(3);
    for (const [link, path = '', anchor] of links) {
      const target = new URL(path === '' ? page : path, new URL('../../../docs/', import.meta.url));
      expect(existsSync(target), link).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(readFileSync(target, 'utf8')), link).toContain(anchor);
    }
  }
});

/** Anchors of a page's headings, as GitHub makes them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(/\s/g, '-'),
  );
}
