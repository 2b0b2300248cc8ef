import { describe, expect, it } from 'vitest';
import { type ManifestDocument, workloadsOf } from '../../src/manifests/documents.js';
import { gatewayFaults, gatewayFlags, type GatewayFile, routeFaults, routeOf } from '../../src/manifests/routes.js';
import { files, holds, planted, rendered } from './rendered.js';

const [middlewares] = files.documents('k8s/gateway/middlewares.yaml') as [GatewayFile];
/** The HTTP library's, which ingest cannot set: engine/src/ingest/server.ts says it. */
const INGEST_IDLE_SECONDS = 10;
const check = (documents: readonly ManifestDocument[]): string[] => routeFaults(documents, middlewares);
const annotation = '/metadata/annotations/traefik.ingress.kubernetes.io~1router';

describe('a request from outside reaches', () => {
  it.each([
    ['/bid', 'bid-request-handler-service'],
    ['/api/analytics/', 'analytics-service'],
    ['/api/analytics/outcomes/', 'analytics-service'],
    ['/api/analytics/outcomes/a1%253Atop/', 'analytics-service'],
    ['/api/analytics/stats/summary/', 'analytics-service'],
    ['/api/analytics/docs', 'analytics-service'],
    ['/grafana', 'grafana-service'],
    ['/grafana/d/helios-overview', 'grafana-service'],
    ['/', 'advertiser-dashboard-service'],
    ['/assets/index-abc.js', 'advertiser-dashboard-service'],
    ['/config.json', 'advertiser-dashboard-service'],
    // None of these is a path of ingest or of the API, and the page's server answers 404 to all of them.
    ['/bid/', 'advertiser-dashboard-service'],
    ['/bids', 'advertiser-dashboard-service'],
    ['/api/outcomes/', 'advertiser-dashboard-service'],
    ['/api/analyticsx/', 'advertiser-dashboard-service'],
    ['/grafanax', 'advertiser-dashboard-service'],
    ['/metrics', 'advertiser-dashboard-service'],
    ['/healthz', 'advertiser-dashboard-service'],
    ['/readyz', 'advertiser-dashboard-service'],
  ])('%s: %s', (path, service) => {
    for (const [name, documents] of Object.entries(rendered)) {
      const host = name === 'k8s/overlays/prod' ? 'helios.example.com' : '127.0.0.1';
      const route = routeOf(documents, { host, path });
      expect(route?.service).toBe(service);
      expect(['http', 'grpc']).toContain(route?.port);
    }
  });

  it('nothing, under a host that is not ours in production', () => {
    expect(routeOf(rendered['k8s/overlays/prod'], { host: 'elsewhere.example.com', path: '/bid' })).toBeNull();
  });

  it('the page with its bids, once the page is no longer the last choice', () => {
    for (const [name, host] of [
      ['k8s', '127.0.0.1'],
      ['k8s/overlays/prod', 'helios.example.com'],
    ] as const) {
      const equal = planted(rendered[name], 'Ingress/dashboard', { op: 'remove', path: `${annotation}.priority` });
      expect(routeOf(equal, { host, path: '/bid' })?.service).toBe('advertiser-dashboard-service');
    }
  });

  it('another Service, once a route is widened', () => {
    const wider = planted(rendered.k8s, 'Ingress/analytics', { op: 'replace', path: '/spec/rules/0/http/paths/0/path', value: '/api/' });
    expect(routeOf(wider, { host: '127.0.0.1', path: '/api/outcomes/' })?.service).toBe('analytics-service');
  });
});

describe('every route has TLS, a limit and, but for bids, a password', () => {
  holds(check, [
    ['no TLS', 'Ingress/dashboard', { op: 'remove', path: '/spec/tls' }, 'it has no certificate'],
    ['plain HTTP', 'Ingress/bids', { op: 'replace', path: `${annotation}.entrypoints`, value: 'web' }, 'other entry points than websecure'],
    ['the admin entry point', 'Ingress/bids', { op: 'remove', path: `${annotation}.entrypoints` }, 'other entry points than websecure'],
    ['no limit on bids', 'Ingress/bids', { op: 'remove', path: `${annotation}.middlewares` }, 'Ingress/bids, /bid: it has no rate limit'],
    [
      'no password for Grafana',
      'Ingress/grafana',
      { op: 'replace', path: `${annotation}.middlewares`, value: 'people-rate-limit@file,people-headers@file' },
      'Ingress/grafana, /grafana: it asks for no password',
    ],
    [
      'passwords before the limit',
      'Ingress/analytics',
      { op: 'replace', path: `${annotation}.middlewares`, value: 'people-auth@file,people-rate-limit@file' },
      'passwords can be guessed without a limit',
    ],
    [
      'a middleware that stands nowhere',
      'Ingress/analytics',
      { op: 'replace', path: `${annotation}.middlewares`, value: 'people-rate-limit@file,auth@file' },
      'its middlewares auth@file stand nowhere',
    ],
    [
      'a class of somebody else',
      'Ingress/bids',
      { op: 'replace', path: '/spec/ingressClassName', value: 'nginx' },
      'its class is none of ours',
    ],
    [
      'a way to an admin port',
      'Ingress/bids',
      { op: 'replace', path: '/spec/rules/0/http/paths/0/backend/service/port', value: { number: 9100 } },
      'it leads to an admin port',
    ],
  ]);
});

describe('the gateway itself', () => {
  const flagsOf = (documents: readonly ManifestDocument[]) =>
    gatewayFlags(workloadsOf(documents).find(({ name }) => name === 'gateway')?.pod.containers[0]?.args ?? []);
  const flags = flagsOf(rendered.k8s);

  it.each(Object.entries(rendered))('gives a connection up before ingest does, and shows nothing of itself, in %s', (_, documents) => {
    expect(gatewayFaults(flagsOf(documents), INGEST_IDLE_SECONDS)).toEqual([]);
  });

  it('is held to what ingest says of its idle connections', () => {
    expect(files.text('engine/src/ingest/server.ts')).toContain(
      `closes connections that are idle or too slow (${INGEST_IDLE_SECONDS} to 12 s)`,
    );
  });

  it.each([
    ['serverstransport.forwardingtimeouts.idleconntimeout', '90s', 'it keeps connections to ingest for 90 s'],
    ['serverstransport.forwardingtimeouts.idleconntimeout', undefined, 'it keeps connections to ingest for NaN s'],
    ['providers.kubernetesingress.allowemptyservices', undefined, 'its route goes'],
    ['providers.kubernetesingress.strictprefixmatching', undefined, '/grafanax and the like'],
    ['providers.kubernetesingress.namespaces', undefined, 'Ingress resources of other namespaces'],
    ['metrics.prometheus.entrypoint', 'websecure', 'metrics.prometheus.entrypoint is not the admin port'],
    ['ping.entrypoint', 'web', 'ping.entrypoint is not the admin port'],
    ['api.insecure', 'true', 'its own dashboard or API is on'],
    ['entrypoints.web.http.redirections.entrypoint.scheme', undefined, 'plain HTTP is not sent on'],
  ])('is found with %s at %s', (name, value, says) => {
    const { [name]: _, ...others } = flags;
    const changed = value === undefined ? others : { ...others, [name]: value };
    expect(gatewayFaults(changed, INGEST_IDLE_SECONDS)).toEqual([expect.stringContaining(says)]);
  });

  it('sends plain HTTP on to the port that the outside knows', () => {
    const to = 'entrypoints.web.http.redirections.entrypoint.to';
    expect(Object.values(rendered).map((documents) => flagsOf(documents)[to])).toEqual([':443', ':8443', ':443']);
  });

  it('shows no metrics of Grafana, which would be below its path', () => {
    const grafana = workloadsOf(rendered.k8s).find(({ name }) => name === 'grafana')?.pod.containers[0]?.env;
    expect(grafana).toContainEqual({ name: 'GF_METRICS_ENABLED', value: 'false' });
  });
});
