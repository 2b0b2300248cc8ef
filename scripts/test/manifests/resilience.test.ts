import { describe, expect, it } from 'vitest';
import { idleBudgets, resilienceFaults } from '../../src/manifests/resilience.js';
import { container, holds, planted, pod, rendered } from './rendered.js';

const ingest = 'Deployment/bid-request-handler';

describe('pods start, stop and make room without a lost request', () => {
  holds(resilienceFaults, [
    ['no startup probe', ingest, { op: 'remove', path: `${container}/startupProbe` }, 'it has no startupProbe'],
    ['no probe at all', 'StatefulSet/kafka', { op: 'remove', path: `${container}/livenessProbe` }, 'it has no livenessProbe'],
    [
      'a liveness probe that asks for dependencies',
      ingest,
      { op: 'replace', path: `${container}/livenessProbe/httpGet/path`, value: '/readyz' },
      'its livenessProbe is not /healthz',
    ],
    [
      'a readiness probe that only asks whether it lives',
      ingest,
      { op: 'replace', path: `${container}/readinessProbe/httpGet/path`, value: '/healthz' },
      'its readinessProbe is neither',
    ],
    [
      'a gRPC server that is asked for nothing by name',
      'Deployment/user-profile-service',
      { op: 'remove', path: `${container}/readinessProbe/grpc/service` },
      'its readinessProbe is neither',
    ],
    [
      'a liveness probe as impatient as readiness',
      'StatefulSet/kafka',
      [
        { op: 'replace', path: `${container}/livenessProbe/periodSeconds`, value: 5 },
        { op: 'replace', path: `${container}/livenessProbe/failureThreshold`, value: 2 },
      ],
      'asks what its readinessProbe asks',
    ],
    ['no time for its address to go', ingest, { op: 'remove', path: `${container}/lifecycle` }, 'asked to stop before its address is gone'],
    [
      'less time than the drain takes',
      ingest,
      { op: 'replace', path: `${pod}/terminationGracePeriodSeconds`, value: 15 },
      'terminationGracePeriodSeconds is 15: preStop, drain and some to spare take 20',
    ],
    [
      'a consumer that is cut short',
      'Deployment/auction-service',
      { op: 'replace', path: `${pod}/terminationGracePeriodSeconds`, value: 10 },
      'terminationGracePeriodSeconds is 10',
    ],
    [
      'a rollout that takes pods away first',
      ingest,
      { op: 'replace', path: '/spec/strategy/rollingUpdate/maxUnavailable', value: '25%' },
      'before the new one is ready',
    ],
    ['no budget', 'PodDisruptionBudget/bid-request-handler', [], `${ingest}: it has no PodDisruptionBudget`],
    [
      'a budget that holds up every node',
      'PodDisruptionBudget/gateway',
      [
        { op: 'remove', path: '/spec/maxUnavailable' },
        { op: 'add', path: '/spec/minAvailable', value: 2 },
      ],
      'does not let exactly one pod go',
    ],
    [
      'all pods on one node',
      ingest,
      { op: 'remove', path: `${pod}/topologySpreadConstraints/0` },
      'not spread over kubernetes.io/hostname',
    ],
    [
      'a spread of somebody else',
      ingest,
      {
        op: 'replace',
        path: `${pod}/topologySpreadConstraints/1/labelSelector/matchLabels`,
        value: { 'app.kubernetes.io/name': 'gateway' },
      },
      'not spread over topology.kubernetes.io/zone',
    ],
  ]);

  it('has no budget that holds for nobody', () => {
    for (const documents of Object.values(rendered)) expect(idleBudgets(documents)).toEqual([]);
    const renamed = { op: 'replace', path: '/spec/selector/matchLabels', value: { 'app.kubernetes.io/name': 'ingest' } } as const;
    expect(idleBudgets(planted(rendered.k8s, 'PodDisruptionBudget/gateway', renamed))).toEqual(['gateway']);
  });
});

describe('autoscalers', () => {
  const prod = rendered['k8s/overlays/prod'];

  it('are there in production only', () => {
    const kinds = Object.entries(rendered).filter(([, documents]) => documents.some(({ kind }) => kind === 'HorizontalPodAutoscaler'));
    expect(kinds.map(([name]) => name)).toEqual(['k8s/overlays/prod']);
  });

  it.each([
    ['replicas that two of them set', ingest, { op: 'add', path: '/spec/replicas', value: 3 }, 'says how many replicas there are, too'],
    [
      'more consumers than partitions',
      'HorizontalPodAutoscaler/bidding-logic-service',
      { op: 'replace', path: '/spec/maxReplicas', value: 25 },
      '25 pods share 24 partitions',
    ],
    [
      'a single pod',
      'HorizontalPodAutoscaler/analytics-api',
      { op: 'replace', path: '/spec/minReplicas', value: 1 },
      'leave one pod alone',
    ],
    [
      'a target that is not there',
      'HorizontalPodAutoscaler/gateway',
      { op: 'replace', path: '/spec/scaleTargetRef/name', value: 'traefik' },
      'there is no such workload',
    ],
    ['nobody who says how many', 'HorizontalPodAutoscaler/gateway', [], 'neither it nor an autoscaler'],
  ] as const)('are found with a planted fault: %s', (_, at, change, says) => {
    expect(resilienceFaults(planted(prod, at, change))).toEqual(expect.arrayContaining([expect.stringContaining(says)]));
  });
});
