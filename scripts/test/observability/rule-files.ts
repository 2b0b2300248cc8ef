import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** The rule files of Prometheus as the tests read them. */

export const prometheusFolder = fileURLToPath(new URL('../../../k8s/infra/prometheus-grafana/prometheus', import.meta.url));

export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface RuleTest {
  readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: readonly unknown[] }[];
}

/** Paths of the files in `rules`, or in a folder of it, in the order of their names. */
export function ruleFiles(folder = 'rules'): string[] {
  const path = join(prometheusFolder, folder);
  return readdirSync(path)
    .filter((name) => name.endsWith('.yml'))
    .toSorted()
    .map((name) => join(path, name));
}

export function readYaml(path: string): unknown {
  return parse(readFileSync(path, 'utf8'));
}

export function allRules(): Rule[] {
  return ruleFiles().flatMap((path) => (readYaml(path) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules));
}

export function allRuleTests(): RuleTest['alert_rule_test'][number][] {
  return ruleFiles('rules/tests').flatMap((path) =>
    (readYaml(path) as { tests: RuleTest[] }).tests.flatMap((test) => test.alert_rule_test),
  );
}
