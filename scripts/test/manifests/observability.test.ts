import { expect, it } from 'vitest';
import { configMapData, type ManifestDocument, workloadsOf } from '../../src/manifests/documents.js';
import { dashboards } from '../../src/dashboards/all.js';
import { dashboardText } from '../../src/dashboards/dashboard.js';
import { ruleFiles } from '../observability/rule-files.js';
import { files, planted, rendered } from './rendered.js';

const grafana = 'k8s/infra/prometheus-grafana/grafana';
const config = files.documents('k8s/infra/prometheus-grafana/prometheus/prometheus.yml')[0] as { rule_files: string[] };
const [provider] = files.documents(`${grafana}/provisioning/dashboards/helios.yaml`) as [{ providers: { options: { path: string } }[] }];

/** The files that Grafana finds in its folder of dashboards: those of every ConfigMap that the volume is made of. */
function shownDashboards(documents: readonly ManifestDocument[]): Record<string, string> {
  const pod = workloadsOf(documents).find(({ name }) => name === 'grafana')?.pod;
  const path = provider.providers[0]?.options.path;
  const mount = pod?.containers[0]?.volumeMounts?.find(({ mountPath }) => mountPath === path);
  const volume = pod?.volumes?.find(({ name }) => name === mount?.name);
  return Object.assign(
    {},
    ...(volume?.projected?.sources ?? []).map(({ configMap }) => configMapData(documents, configMap?.name ?? '')),
  ) as Record<string, string>;
}

const ofTheCode = Object.fromEntries(dashboards.map((spec) => [`${spec.uid}.json`, dashboardText(spec)]));

it.each(Object.entries(rendered))('Grafana shows the dashboards of this repository, all of them and no others, in %s', (_, documents) => {
  expect(shownDashboards(documents)).toEqual(ofTheCode);
});

it.each([
  ['one that was changed', 'ConfigMap/grafana-dashboard-overview', { op: 'replace', path: '/data/helios-overview.json', value: '{}' }],
  ['one that is missing', 'Deployment/grafana', { op: 'remove', path: '/spec/template/spec/volumes/3/projected/sources/2' }],
  [
    'another folder',
    'Deployment/grafana',
    { op: 'replace', path: '/spec/template/spec/containers/0/volumeMounts/3/mountPath', value: '/var/lib/grafana/dashboards' },
  ],
] as const)('a planted fault would be seen: %s', (_, at, change) => {
  expect(shownDashboards(planted(rendered.k8s, at, change))).not.toEqual(ofTheCode);
});

it('each of them fits into what kubectl apply keeps about an object', () => {
  const tooLarge = rendered.k8s.filter(
    (document) => document.kind === 'ConfigMap' && JSON.stringify(JSON.stringify(document)).length > 262_144,
  );
  expect(tooLarge.map(({ metadata }) => metadata.name)).toEqual([]);
});

it('Prometheus reads every file of rules', () => {
  const data = configMapData(rendered.k8s, 'prometheus-rules') ?? {};
  expect(Object.keys(data).toSorted()).toEqual(ruleFiles().map((path) => path.slice(path.lastIndexOf('/') + 1)));
  const volume = workloadsOf(rendered.k8s)
    .find(({ name }) => name === 'prometheus')
    ?.pod.volumes?.find(({ name }) => name === 'config');
  const items = volume?.projected?.sources.flatMap(({ configMap }) => configMap?.items ?? []) ?? [];
  expect(config.rule_files).toEqual(['rules/*.yml']);
  expect(items.map(({ key, path }) => [key, path])).toEqual(Object.keys(data).map((key) => [key, `rules/${key}`]));
});

it('the roles that the alerts expect are the components of the pods that are scraped', () => {
  const rules = files.text('k8s/infra/prometheus-grafana/prometheus/rules/services.yml');
  const expected = new Set([...rules.matchAll(/absent\(up\{job="([\w-]+)"\}\)/g)].map(([, job]) => job));
  const scraped = workloadsOf(rendered.k8s).filter(({ annotations }) => annotations['prometheus.io/scrape'] === 'true');
  const roles = new Set(scraped.map(({ labels }) => labels['app.kubernetes.io/component']));
  roles.delete('gateway');
  expect(expected).toEqual(roles);
});
