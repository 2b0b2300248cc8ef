import { describe, expect, it } from 'vitest';
import type { ManifestDocument } from '../../src/manifests/documents.js';
import { connections, isAllowed, networkFaults } from '../../src/manifests/network.js';
import { files, holds, planted, rendered } from './rendered.js';

const [{ datasources }] = files.documents('k8s/infra/prometheus-grafana/grafana/provisioning/datasources/prometheus.yaml') as [
  { datasources: { url: string }[] },
];
const source = datasources[0]?.url ?? '';
const check = (documents: readonly ManifestDocument[]): string[] => networkFaults(documents, source);

describe('every connection that the manifests call for is let through', () => {
  holds(check, [
    ['nothing is denied', 'NetworkPolicy/default-deny', [], 'no policy denies everything'],
    [
      'only one way is denied',
      'NetworkPolicy/default-deny',
      { op: 'replace', path: '/spec/policyTypes', value: ['Ingress'] },
      'no policy denies',
    ],
    ['no DNS', 'NetworkPolicy/allow-dns', [], 'it may not ask the DNS of the cluster'],
    [
      'DNS over UDP only',
      'NetworkPolicy/allow-dns',
      { op: 'remove', path: '/spec/egress/0/ports/1' },
      'it may not ask the DNS of the cluster',
    ],
    ['no scraping', 'NetworkPolicy/allow-scraping', [], 'prometheus may not reach auction-service:9100, which scraping needs'],
    [
      'another port to scrape',
      'NetworkPolicy/prometheus',
      { op: 'replace', path: '/spec/egress/0/ports/0/port', value: 9101 },
      'which scraping needs',
    ],
    ['no way to Kafka', 'NetworkPolicy/kafka', [], 'bid-request-handler may not reach kafka:9092, which KAFKA_BROKERS needs'],
    ['no way out to Kafka', 'NetworkPolicy/uses-kafka', [], 'topics may not reach kafka:9092'],
    [
      'no profiles',
      'NetworkPolicy/bidding-logic-service',
      [],
      'may not reach user-profile-service:50051, which USER_PROFILE_SVC_ADDR needs',
    ],
    ['no way to the API', 'NetworkPolicy/analytics-api', [], 'gateway may not reach analytics-api:8000, which route /api/analytics/ needs'],
    [
      "no way to minikube's API server",
      'NetworkPolicy/gateway',
      { op: 'remove', path: '/spec/egress/4/ports/2' },
      'Deployment/gateway: it may not ask an API server on port 8443',
    ],
    ['no API server at all', 'NetworkPolicy/prometheus', { op: 'remove', path: '/spec/egress/1' }, 'Deployment/prometheus: it may not ask'],
    ['Grafana without data', 'NetworkPolicy/grafana', { op: 'remove', path: '/spec/egress/0' }, 'grafana may not reach prometheus:9090'],
  ]);

  it('finds these connections by itself', () => {
    const found = connections(rendered.k8s, source).map(({ from, to, port }) => `${from} ${to}:${port}`);
    expect(found).toEqual(
      expect.arrayContaining([
        'gateway bid-request-handler:8080',
        'gateway advertiser-dashboard:3000',
        'gateway grafana:3000',
        'analytics-service postgres:5432',
        'analytics-api postgres:5432',
        'user-profile-service redis:6379',
        'profile-seed redis:6379',
        'prometheus gateway:9100',
      ]),
    );
  });
});

describe('nothing else is', () => {
  it.each([
    ['gateway', 'bid-request-handler', 9100],
    ['gateway', 'prometheus', 9090],
    ['gateway', 'postgres', 5432],
    ['gateway', 'redis', 6379],
    ['gateway', 'kafka', 9092],
    ['grafana', 'analytics-api', 9100],
    ['advertiser-dashboard', 'postgres', 5432],
    ['bid-request-handler', 'redis', 6379],
    ['bid-request-handler', 'user-profile-service', 50051],
    ['user-profile-service', 'kafka', 9092],
    ['auction-service', 'postgres', 5432],
    ['analytics-api', 'kafka', 9092],
    ['prometheus', 'kafka', 9092],
  ])('%s does not reach %s:%i', (from, to, port) => {
    for (const documents of Object.values(rendered)) expect(isAllowed(documents, { from, to, port })).toBe(false);
  });

  it('would be seen to be open without policies, and with one that lets too much in', () => {
    const open = rendered.k8s.filter(({ kind }) => kind !== 'NetworkPolicy');
    expect(isAllowed(open, { from: 'advertiser-dashboard', to: 'postgres', port: 5432 })).toBe(true);
    const wider = planted(rendered.k8s, 'NetworkPolicy/gateway', { op: 'add', path: '/spec/egress/-', value: {} });
    expect(isAllowed(wider, { from: 'gateway', to: 'postgres', port: 5432 })).toBe(false);
    expect(
      isAllowed(planted(wider, 'NetworkPolicy/postgres', { op: 'remove', path: '/spec/ingress/0/from' }), {
        from: 'gateway',
        to: 'postgres',
        port: 5432,
      }),
    ).toBe(true);
  });
});
