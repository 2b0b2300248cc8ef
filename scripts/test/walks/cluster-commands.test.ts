import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { ManifestDocument } from '../../src/manifests/documents.js';
import { type DeploymentFacts, deploymentFaults } from '../../src/walks/cluster-commands.js';
import { composeOf, inventoryOf } from '../../src/walks/manifests.js';
import { readPage } from '../../src/walks/page.js';

const documents = `
apiVersion: v1
kind: Namespace
metadata: { name: helios }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: bidder, labels: { app: bidder } }
spec:
  replicas: 2
  template:
    metadata: { labels: { app: bidder, part-of: helios } }
    spec:
      initContainers: [{ name: migrate, image: registry/helios-engine:1.2.3 }]
      containers:
        - name: main
          image: registry/helios-engine:1.2.3
          ports: [{ name: http, containerPort: 8080 }, { name: admin, containerPort: 9100 }]
          env: [{ name: P, valueFrom: { secretKeyRef: { name: passwords, key: DB_PASSWORD } } }]
---
apiVersion: v1
kind: Service
metadata: { name: bidder-service }
spec: { ports: [{ name: http, port: 8080, targetPort: http }] }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: kafka }
spec:
  replicas: 1
  template: { metadata: { labels: { app: kafka } }, spec: { containers: [{ name: kafka, image: apache/kafka:4 }] } }
---
apiVersion: batch/v1
kind: Job
metadata: { name: seed }
spec: { template: { metadata: { labels: { app: seed } }, spec: { containers: [{ name: seed, image: registry/helios-engine:1.2.3 }] } } }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: bids }
spec:
  rules:
    - host: bids.example
      http: { paths: [{ path: /bid, pathType: Exact, backend: { service: { name: bidder-service, port: { name: http } } } }] }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: kafka-config }
`;
const files = new Map([
  ['k8s/a.yaml', ''],
  ['k8s/b/kustomization.yaml', ''],
  ['scripts/deploy-all', '--overlay | --context)'],
]);
const facts: DeploymentFacts = {
  manifests: inventoryOf(
    parseAllDocuments(documents).map((document) => document.toJS() as ManifestDocument),
    [8443],
  ),
  compose: composeOf([
    'services: { kafka: {}, bidder: {}, k6: { profiles: [bench] } }',
    'services: { grafana: { profiles: [observability] } }',
  ]),
  imageTargets: new Set(['engine']),
  version: '1.2.3',
  scripts: new Set(['generate']),
  read: (path) => files.get(path) ?? null,
};

function faultsOf(command: string, output?: string, kind = 'cluster'): string[] {
  const shown = output === undefined ? '' : `<!-- walk: output -->\n\`\`\`text\n${output}\n\`\`\`\n`;
  const { page, faults } = readPage('docs/page.md', `<!-- walk: ${kind} -->\n\`\`\`sh\n${command}\n\`\`\`\n${shown}`);
  expect(faults).toEqual([]);
  return deploymentFaults(page, facts).map(({ line, why }) => `${line}: ${why}`);
}

describe('a command in a cluster', () => {
  it.each([
    'kubectl apply -f k8s/a.yaml -n helios',
    'kubectl apply -k k8s/b',
    'kubectl --namespace=helios get pods -l app=bidder,part-of=helios -o wide',
    'kubectl get deployments,svc',
    'kubectl get events',
    'kubectl rollout status deployment/bidder --timeout=300s',
    'kubectl wait --for=condition=complete job/seed',
    'kubectl logs -l app=bidder -c migrate --tail=-1 | grep "$ID"',
    'kubectl logs deployment/bidder -c main',
    'kubectl exec kafka-0 -- ls /data',
    'kubectl exec "$POD" -- true',
    'kubectl delete pods -l app=bidder --grace-period=0 --force',
    'kubectl scale deployment/bidder --replicas=3',
    'kubectl create secret generic passwords --from-literal=DB_PASSWORD="$(openssl rand -hex 24)"',
    'kubectl port-forward service/bidder-service 18080:8080\ncurl -s http://127.0.0.1:18080/bid',
    'kubectl port-forward deployment/bidder 9100:admin',
    'curl -k https://127.0.0.1:8443/ https://bids.example/bid',
    'docker build --target engine --tag registry/helios-engine:1.2.3 .',
    "docker images --format '{{.Repository}}:{{.Tag}}' registry/helios-engine",
    'docker run --rm -e KAFKA_BROKERS=kafka:9092 registry/helios-engine:1.2.3 bidder',
    'scripts/deploy-all --overlay prod && npm run -s generate > bid.json',
    'ID=$(node -p 1)',
  ])('passes when all that it names is there: %s', (command) => {
    expect(faultsOf(command)).toEqual([]);
  });

  it.each([
    ['a file', 'kubectl apply -f k8s/gone.yaml', 'there is no k8s/gone.yaml'],
    ['a folder without a kustomization', 'kubectl apply -k k8s/a', 'there is no k8s/a/kustomization.yaml'],
    ['a namespace', 'kubectl -n other get pods', 'there is no namespace other'],
    ['a label', 'kubectl get pods -l app=ingest', 'nothing in the manifests has the labels app=ingest'],
    ['a label of another object', 'kubectl get deployments -l part-of=helios', 'nothing in the manifests has the labels part-of=helios'],
    ['an object', 'kubectl rollout status deployment/ingest', 'the manifests have no deployment ingest'],
    ['an object, named apart', 'kubectl get statefulset redis', 'the manifests have no statefulset redis'],
    ['a kind', 'kubectl get cronjobs', 'the manifests have no cronjobs'],
    ['a container', 'kubectl logs deployment/bidder -c side', 'no such pod has a container side'],
    ['a container of the selected pods', 'kubectl logs -l app=kafka -c main', 'no such pod has a container main'],
    ['a replica', 'kubectl exec kafka-1 -- ls', 'no StatefulSet makes a pod kafka-1'],
    ['a service', 'kubectl port-forward service/bidder 8080:8080', 'the manifests have no service bidder'],
    ['a port of the service', 'kubectl port-forward service/bidder-service 8080:9100', 'service/bidder-service has no port 9100'],
    ['a port of the pods', 'kubectl port-forward deployment/bidder 8000', 'deployment/bidder has no port 8000'],
    ['a forwarded port', 'curl http://127.0.0.1:18080/bid', 'nothing listens on port 18080'],
    ['a host', 'curl https://other.example/', 'no ingress is for other.example'],
    [
      'a key of a secret',
      'kubectl create secret generic passwords --from-literal=PASSWORD=x',
      'no pod reads PASSWORD of the secret passwords',
    ],
    ['an image', 'docker build --target engine --tag registry/helios:1.2.3 .', 'no manifest uses the image registry/helios'],
    ['the version', 'docker build --target engine --tag registry/helios-engine:1.2.2 .', 'the tag is 1.2.2, and the version is 1.2.3'],
    ['a target', 'docker build --target bidder --tag registry/helios-engine:1.2.3 .', 'the Dockerfile has no target bidder'],
    ['an image that is run', 'docker run --rm registry/helios:1.2.3', 'no manifest uses the image registry/helios'],
    ['the version that is run', 'docker run --rm registry/helios-engine bidder', 'the tag is missing, and the version is 1.2.3'],
    ['a script of the project', 'scripts/deploy', 'there is no scripts/deploy'],
    ['a flag of a script', 'scripts/deploy-all --cluster a', 'scripts/deploy-all has no --cluster'],
    ['a script of package.json', 'npm run -s make', 'package.json has no script make'],
    ['a verb', 'kubectl annotate pod kafka-0 a=b', 'does not know kubectl annotate'],
    ['a program', 'helm install helios', 'does not know "helm"'],
    ['a command in another one', 'ID=$(kubectl get pod kafka-3)', 'no StatefulSet makes a pod kafka-3'],
  ])('is a fault when it names %s that is not there', (_, command, why) => {
    expect(faultsOf(command)).toEqual([expect.stringContaining(why)]);
  });

  it('is told with its own line', () => {
    expect(faultsOf('kubectl get pods\n\nkubectl -n other get pods')).toEqual([
      '5: kubectl -n other get pods: there is no namespace other',
    ]);
  });
});

describe('what a command in a cluster is said to print', () => {
  const pods = 'kubectl get pods -l app=bidder';
  const row = 'bidder-<id>   1/1   Running   0   <time>';
  const head = 'NAME   READY   STATUS   RESTARTS   AGE';

  it.each([
    ['a table with a row a replica', pods, `${head}\n${row}\n${row}`],
    ['a table that goes on', pods, `${head}\n${row}\n...`],
    ['all pods', 'kubectl get pods', `${head}\n${row}\nkafka-0   1/1   Running   0   <time>\nseed-<id>   0/1   Completed   0   <time>`],
    [
      'objects and logs',
      'kubectl apply -k k8s/b',
      'configmap/kafka-config-<id> created\ndeployment.apps/bidder configured\ndeployment "bidder" successfully rolled out\n[pod/bidder-<id>/main] {}',
    ],
  ])('passes: %s', (_, command, output) => {
    expect(faultsOf(command, output)).toEqual([]);
  });

  it.each([
    ['too few rows', pods, `${head}\n${row}`, 'bidder has 2 replica(s), and the page shows 1'],
    ['a pod of another name', pods, `${head}\nbid-<id>   1/1   Running   0   <time>`, 'no manifest makes a pod bid-<id>'],
    [
      'a pod that is not selected',
      pods,
      `${head}\n${row}\n${row}\nkafka-0   1/1   Running   0   <time>`,
      'kafka does not have the labels app=bidder',
    ],
    ['other containers', pods, `${head}\nbidder-<id>   2/2   Running   0   <time>`, '1/1 containers ready, and the page shows 2/2'],
    ['an object that is not made', 'kubectl apply -k k8s/b', 'service/kafka created', 'the manifests have no service kafka'],
    [
      'a rollout of something else',
      'kubectl apply -k k8s/b',
      'deployment "ingest" successfully rolled out',
      'the manifests have no deployment ingest',
    ],
    ['logs of another container', 'kubectl logs -l app=bidder', '[pod/bidder-<id>/side] {}', 'has no container side'],
  ])('is a fault: %s', (_, command, output, why) => {
    expect(faultsOf(command, output)).toEqual([expect.stringContaining(why)]);
  });
});

describe('a compose command', () => {
  it.each([
    'docker compose up --build --wait',
    'docker compose --profile observability up --wait',
    'docker compose logs bidder',
    'docker compose exec kafka ls -l',
  ])('passes when its services and profiles are there: %s', (command) => {
    expect(faultsOf(command, undefined, 'compose')).toEqual([]);
  });

  it.each([
    ['docker compose logs ingest', 'no service ingest'],
    ['docker compose --profile load up', 'no profile load'],
    ['docker compose turn', 'does not know docker compose turn'],
  ])('is a fault otherwise: %s', (command, why) => {
    expect(faultsOf(command, undefined, 'compose')).toEqual([expect.stringContaining(why)]);
  });
});
