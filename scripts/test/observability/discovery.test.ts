import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { prometheusAbsent, whySkipped } from '../absent-servers.js';
import { prometheusFolder, readYaml } from './rule-files.js';

/**
 * Which pods are scraped, and under which labels. Debian's Prometheus is built without the discovery of Kubernetes: the test gives the same
 * relabelling rules the labels that discovery would find.
 */

interface PrometheusConfig {
  readonly rule_files: readonly string[];
  readonly scrape_configs: readonly { readonly job_name: string; readonly kubernetes_sd_configs?: unknown }[];
}

const config = readYaml(join(prometheusFolder, 'prometheus.yml')) as PrometheusConfig;
const JOB = 'helios-pods';
const folder = mkdtempSync(join(tmpdir(), 'helios-discovery-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const pod = (labels: Readonly<Record<string, string>>) => ({
  __address__: '10.1.2.3:8080',
  __meta_kubernetes_namespace: 'helios',
  __meta_kubernetes_pod_name: 'ingest-7d-x2',
  __meta_kubernetes_pod_ip: '10.1.2.3',
  __meta_kubernetes_pod_phase: 'Running',
  __meta_kubernetes_pod_container_init: 'false',
  __meta_kubernetes_pod_label_app_kubernetes_io_name: 'helios-engine',
  __meta_kubernetes_pod_label_app_kubernetes_io_component: 'ingest',
  __meta_kubernetes_pod_annotation_prometheus_io_scrape: 'true',
  __meta_kubernetes_pod_annotation_prometheus_io_port: '9101',
  ...labels,
});

/** The labels under which what was found is scraped; null when it is not scraped. */
function relabelled(found: Readonly<Record<string, string>>): Record<string, string> | null {
  const { __address__: address, ...labels } = found;
  const discovery = [{ targets: [address], labels }];
  const [{ kubernetes_sd_configs: _, ...job } = { job_name: '' }] = config.scrape_configs.filter((scrape) => scrape.job_name === JOB);
  const file = join(folder, 'prometheus.yml');
  writeFileSync(file, stringify({ scrape_configs: [{ ...job, static_configs: discovery }] }));
  const { stdout, stderr } = spawnSync('promtool', ['check', 'service-discovery', '--timeout=1s', file, JOB], { encoding: 'utf8' });
  const results = JSON.parse(stdout.slice(stdout.indexOf('['))) as { labels: Record<string, string> }[];
  expect(results, stderr).toHaveLength(1);
  const relabelledLabels = results[0]?.labels ?? {};
  return Object.keys(relabelledLabels).length === 0 ? null : relabelledLabels;
}

describe.skipIf(prometheusAbsent !== undefined)(`discovery of pods by annotation${whySkipped(prometheusAbsent)}`, () => {
  it('looks for pods of its own namespace, and reads every rule file', () => {
    const scrape = config.scrape_configs.find((candidate) => candidate.job_name === JOB);
    expect(scrape?.kubernetes_sd_configs).toEqual([{ role: 'pod', namespaces: { own_namespace: true } }]);
    expect(config.rule_files).toEqual(['rules/*.yml']);
  });

  it('scrapes the port that the annotation names, under the role of the pod', () => {
    expect(relabelled(pod({}))).toMatchObject({
      __address__: '10.1.2.3:9101',
      __metrics_path__: '/metrics',
      instance: '10.1.2.3:9101',
      job: 'ingest',
      namespace: 'helios',
      pod: 'ingest-7d-x2',
    });
  });

  it('takes a path of its own, and an IPv6 address', () => {
    const labels = relabelled(
      pod({
        __address__: '[fd00::12]:8080',
        __meta_kubernetes_pod_ip: 'fd00::12',
        __meta_kubernetes_pod_annotation_prometheus_io_path: '/own/metrics',
      }),
    );
    expect(labels).toMatchObject({ __address__: '[fd00::12]:9101', __metrics_path__: '/own/metrics' });
  });

  it('names a pod without a component by its name', () => {
    expect(relabelled(pod({ __meta_kubernetes_pod_label_app_kubernetes_io_component: '' }))).toMatchObject({ job: 'helios-engine' });
  });

  it.each([
    ['without the annotation', { __meta_kubernetes_pod_annotation_prometheus_io_scrape: '' }],
    ['that say no', { __meta_kubernetes_pod_annotation_prometheus_io_scrape: 'false' }],
    ['that have ended', { __meta_kubernetes_pod_phase: 'Succeeded' }],
    ['by their init container', { __meta_kubernetes_pod_container_init: 'true' }],
  ])('leaves out pods %s', (_, labels) => {
    expect(relabelled(pod(labels))).toBeNull();
  });
});
