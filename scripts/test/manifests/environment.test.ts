import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDockerfile } from '../../src/images/dockerfile.js';
import type { ManifestDocument } from '../../src/manifests/documents.js';
import { environmentFaults, serviceOf } from '../../src/manifests/environment.js';
import { imageFaults } from '../../src/manifests/images.js';
import { everyVariable, serviceSchemas } from '../../src/service-schemas.js';
import { container, dockerfile, holds, planted, pod, rendered, root } from './rendered.js';

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const variables = everyVariable();
const check = (documents: readonly ManifestDocument[]): string[] => environmentFaults(documents, dockerfile, serviceSchemas, variables);
const ingest = 'Deployment/bid-request-handler';
const bidder = 'Deployment/bidding-logic-service';
const shared = 'ConfigMap/helios-config';

describe("every container's variables are those of its service", () => {
  holds(check, [
    [
      'a name that nobody knows',
      ingest,
      { op: 'add', path: `${container}/env/-`, value: { name: 'INGEST_PROT', value: '1' } },
      'did you mean INGEST_PORT',
    ],
    [
      "a name of another service's",
      ingest,
      { op: 'add', path: `${container}/env/-`, value: { name: 'USER_PROFILE_SVC_ADDR', value: 'a:1' } },
      'ingest does not know USER_PROFILE_SVC_ADDR',
    ],
    ['a value that is not accepted', shared, { op: 'replace', path: '/data/REDIS_PORT', value: 'redis' }, 'REDIS_PORT is "redis"'],
    [
      'an impossible combination',
      shared,
      { op: 'replace', path: '/data/KAFKA_TOPIC_MIN_INSYNC', value: '2' },
      'KAFKA_TOPIC_MIN_INSYNC is 2',
    ],
    ['topics that keep too long', shared, { op: 'replace', path: '/data/RETENTION_DAYS', value: '2' }, 'KAFKA_TOPIC_RETENTION_HOURS is 72'],
    ['an address at its default', ingest, { op: 'remove', path: `${container}/env/3` }, 'ingest is not told its KAFKA_BROKERS'],
    ['no password', 'Deployment/analytics-api', { op: 'remove', path: `${container}/env/7` }, 'api is not told its DB_PASSWORD'],
    ['no password for seeding', 'Job/profile-seed', { op: 'remove', path: `${container}/env/3` }, 'is not told its REDIS_PASSWORD'],
    [
      'no database for the migrations',
      'Deployment/analytics-service',
      { op: 'remove', path: `${pod}/initContainers/0/env/1` },
      'migrate is not told its DB_HOST',
    ],
    ['no group', bidder, { op: 'remove', path: `${container}/env/4` }, 'bidder is not told its KAFKA_GROUP_ID'],
    [
      'one group for two',
      bidder,
      { op: 'replace', path: `${container}/env/4/value`, value: 'helios-auction' },
      'two workloads are of the group helios-auction',
    ],
    ['a group for all', shared, { op: 'add', path: '/data/KAFKA_GROUP_ID', value: 'helios' }, 'KAFKA_GROUP_ID stands in a ConfigMap'],
    ['a key that nobody reads', shared, { op: 'add', path: '/data/KAFKA_BROKER', value: 'kafka:9092' }, 'no container reads KAFKA_BROKER'],
    ['a role that is none', ingest, { op: 'replace', path: `${container}/args/0`, value: 'ingestion' }, 'runs no service of Helios'],
    [
      'a port that it does not listen on',
      ingest,
      { op: 'replace', path: `${container}/ports/0/containerPort`, value: 8081 },
      'it listens on 8080, 9100',
    ],
    ['an admin port elsewhere', shared, { op: 'replace', path: '/data/ADMIN_PORT', value: '9200' }, 'it listens on 8080, 9200'],
  ]);

  it('finds a secret of SASL missing once it is on', () => {
    const prod = rendered['k8s/overlays/prod'];
    const at = JSON.stringify(prod.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'auction-service'));
    expect(at).toContain('KAFKA_SASL_PASSWORD');
    const index = (
      JSON.parse(at) as { spec: { template: { spec: { containers: { env: { name: string }[] }[] } } } }
    ).spec.template.spec.containers[0]?.env.findIndex(({ name }) => name === 'KAFKA_SASL_PASSWORD');
    const without = planted(prod, 'Deployment/auction-service', { op: 'remove', path: `${container}/env/${index}` });
    expect(check(without)).toEqual([expect.stringContaining('KAFKA_SASL_PASSWORD is empty')]);
  });

  it('misses what the image does not set', () => {
    const targets = readDockerfile('FROM scratch AS engine\nENTRYPOINT ["node", "engine/dist/main.js"]\n');
    expect(environmentFaults(rendered.k8s, targets, serviceSchemas, variables)).toEqual(
      expect.arrayContaining([
        `${ingest}, container ingest: ingest is not told its BIND_HOST`,
        `${ingest}, container ingest: neither it nor its image sets MALLOC_ARENA_MAX`,
        `${ingest}, container ingest: neither it nor its image gives node --min-semi-space-size=16`,
      ]),
    );
  });
});

describe('images', () => {
  const images = (documents: readonly ManifestDocument[]): string[] => imageFaults(documents, dockerfile, version);
  holds(images, [
    [
      'a target that the Dockerfile does not have',
      ingest,
      { op: 'replace', path: `${container}/image`, value: `ghcr.io/your-username/helios-ingest:${version}` },
      'the Dockerfile has no target for ghcr.io/your-username/helios-ingest',
    ],
    [
      'another version',
      'Job/topics',
      { op: 'replace', path: `${container}/image`, value: 'ghcr.io/your-username/helios-engine:0.0.9' },
      `is not of version ${version}`,
    ],
  ]);

  it('finds one that runs as root', () => {
    const targets = readDockerfile('FROM scratch AS analytics\nUSER 0:0\nENTRYPOINT ["node"]\n');
    expect(imageFaults(rendered.k8s, targets, version)).toContain('Deployment/analytics-service, container writer: its image runs as 0:0');
  });
});

it.each([
  [['node', 'engine/dist/main.js', 'ingest'], 'ingest'],
  [['/usr/local/bin/node', '/helios/analytics/dist/main.js', 'api'], 'api'],
  [['node', 'profile-svc/dist/main.js'], 'profile-svc'],
  [['node', 'profile-svc/dist/seed.js', '--count', '1000'], 'profile-svc'],
  [['node', 'engine/dist/main.js'], undefined],
  [['node', 'engine/dist/main.js', 'ingest', 'twice'], undefined],
])('%j runs %s', (words, service) => {
  expect(serviceOf(words, serviceSchemas)?.service).toBe(service);
});
