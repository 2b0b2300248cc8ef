import { describe } from 'vitest';
import type { ManifestDocument } from '../../src/manifests/documents.js';
import { metadataFaults, referenceFaults } from '../../src/manifests/references.js';
import { container, holds, made, pod } from './rendered.js';

const ingest = 'Deployment/bid-request-handler';
const check = (documents: readonly ManifestDocument[]): string[] => referenceFaults(documents, made);

describe('everything that is named is there', () => {
  holds(check, [
    ['a ConfigMap', 'ConfigMap/helios-config', [], 'there is no KAFKA_BROKERS in the ConfigMap helios-config'],
    ['a key', 'ConfigMap/helios-config', { op: 'remove', path: '/data/KAFKA_BROKERS' }, 'KAFKA_BROKERS: there is no KAFKA_BROKERS'],
    [
      'all keys at once',
      ingest,
      { op: 'add', path: `${container}/envFrom`, value: [{ configMapRef: { name: 'helios-config' } }] },
      'envFrom',
    ],
    [
      'a Secret',
      'StatefulSet/postgres',
      { op: 'replace', path: `${container}/env/2/valueFrom/secretKeyRef/name`, value: 'postgres' },
      'there is no DB_PASSWORD in the Secret postgres',
    ],
    [
      'a password in the open',
      'StatefulSet/postgres',
      { op: 'replace', path: `${container}/env/2`, value: { name: 'POSTGRES_PASSWORD', value: 'helios' } },
      'POSTGRES_PASSWORD comes from no Secret',
    ],
    [
      'a variable twice',
      ingest,
      { op: 'add', path: `${container}/env/-`, value: { name: 'LOG_LEVEL', value: 'debug' } },
      'LOG_LEVEL is set twice',
    ],
    [
      'a variable of an argument',
      'Deployment/redis',
      { op: 'replace', path: `${container}/env/0/name`, value: 'REDIS_PASSWORD' },
      'name the variable REDISCLI_AUTH, which it does not have',
    ],
    ['a volume', 'StatefulSet/kafka', { op: 'remove', path: `${pod}/volumes/0` }, 'there is no volume config'],
    ['the ConfigMap of a volume', 'ConfigMap/kafka-config', [], 'volume config: there is no ConfigMap kafka-config'],
    [
      'a file of a projected volume',
      'ConfigMap/prometheus-rules',
      { op: 'remove', path: '/data/slo.yml' },
      'there is no slo.yml in the ConfigMap prometheus-rules',
    ],
    [
      'a volume that nobody mounts',
      'StatefulSet/kafka',
      { op: 'remove', path: `${container}/volumeMounts/2` },
      'nobody mounts the volume tmp',
    ],
    ['a claim', 'PersistentVolumeClaim/redis-data', [], 'there is no claim redis-data'],
    [
      'the Secret of a volume',
      'Deployment/gateway',
      { op: 'replace', path: `${pod}/volumes/1/secret/secretName`, value: 'users' },
      'there is no Secret users',
    ],
    ['the Service of a StatefulSet', 'Service/kafka-service', [], 'StatefulSet/kafka: there is no Service kafka-service'],
    ['a service account', 'ServiceAccount/prometheus', [], 'there is no service account prometheus'],
    [
      'the port of a probe',
      ingest,
      { op: 'replace', path: `${container}/readinessProbe/httpGet/port`, value: 'metrics' },
      'its readinessProbe asks the port metrics',
    ],
    [
      'the port of a gRPC probe',
      'Deployment/user-profile-service',
      { op: 'replace', path: `${container}/readinessProbe/grpc/port`, value: 50052 },
      'its readinessProbe asks the port 50052',
    ],
    [
      'the port to scrape',
      ingest,
      { op: 'replace', path: '/spec/template/metadata/annotations/prometheus.io~1port', value: '9101' },
      'do not send Prometheus to its admin port 9100',
    ],
    [
      'the annotation to scrape',
      ingest,
      { op: 'remove', path: '/spec/template/metadata/annotations/prometheus.io~1scrape' },
      'do not send Prometheus',
    ],
    [
      'its own pods',
      ingest,
      { op: 'replace', path: '/spec/template/metadata/labels/app.kubernetes.io~1name', value: 'ingest' },
      'its selector does not fit its own pods',
    ],
    [
      'only its own pods',
      ingest,
      { op: 'replace', path: '/spec/selector/matchLabels', value: { 'app.kubernetes.io/part-of': 'helios' } },
      'its selector takes the pods of',
    ],
    [
      'the pods of a Service',
      'Service/analytics-service',
      { op: 'replace', path: '/spec/selector/app.kubernetes.io~1name', value: 'api' },
      'Service/analytics-service: its selector fits 0 workloads',
    ],
    [
      'the port of a Service',
      'Service/bid-request-handler-service',
      { op: 'replace', path: '/spec/ports/0/targetPort', value: 'web' },
      'Deployment/bid-request-handler has no port web',
    ],
    [
      'an admin port with an address',
      'Service/auction-service',
      { op: 'remove', path: '/spec/clusterIP' },
      'it gives an admin port an address',
    ],
    ['the Service of a route', 'Service/grafana-service', [], 'Ingress/grafana: there is no Service grafana-service'],
    [
      'the port of a route',
      'Ingress/bids',
      { op: 'replace', path: '/spec/rules/0/http/paths/0/backend/service/port/name', value: 'bid' },
      'bid-request-handler-service has no port bid',
    ],
    ['a certificate', 'Ingress/bids', { op: 'replace', path: '/spec/tls/0/secretName', value: 'tls' }, 'there is no Secret tls'],
    [
      'the pods of a policy',
      'NetworkPolicy/redis',
      { op: 'replace', path: '/spec/ingress/0/from/0/podSelector/matchLabels', value: { 'app.kubernetes.io/name': 'profiles' } },
      'NetworkPolicy/redis: no pod has the labels',
    ],
    ['a role', 'Role/gateway', [], 'RoleBinding/gateway: there is no Role/gateway'],
    [
      'a name of its own',
      'Service/redis-service',
      { op: 'replace', path: '/metadata/name', value: 'gateway' },
      'there are two of Service/helios/gateway',
    ],
  ]);
});

describe('every document is in the namespace and carries the labels', () => {
  holds(metadataFaults, [
    ['another namespace', ingest, { op: 'replace', path: '/metadata/namespace', value: 'default' }, 'it is not in the namespace helios'],
    ['no label', 'ConfigMap/kafka-config', { op: 'remove', path: '/metadata/labels/app.kubernetes.io~1part-of' }, 'is not helios'],
  ]);
});
