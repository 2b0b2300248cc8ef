import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { containersOf, isOurs, workloadsOf } from '../../src/manifests/documents.js';
import { shellcheckAbsent, whySkipped } from '../absent-servers.js';
import { files, made, rendered, root } from './rendered.js';
import { Stubs } from './stubs.js';

const all: Stubs[] = [];
const stubs = (...programs: ConstructorParameters<typeof Stubs>[0]): Stubs => {
  const one = new Stubs(programs);
  all.push(one);
  return one;
};
afterEach(() => {
  for (const one of all.splice(0)) one.remove();
});

const ofServers = { DB_PASSWORD: 'db', REDIS_PASSWORD: 'redis', KAFKA_SASL_USERNAME: 'helios', KAFKA_SASL_PASSWORD: 'sasl' };

describe('scripts/deploy-all', () => {
  it('makes the Secrets that the manifests name, all random, and waits for everything', () => {
    const one = stubs('kubectl');
    const { status, said, calls } = one.run('deploy-all', []);
    expect(status, said).toBe(0);
    const secrets = one.secrets();
    expect(Object.keys(secrets).toSorted()).toEqual(Object.keys(made.secrets).toSorted());
    const own = secrets['helios-secrets'] ?? {};
    for (const value of Object.values(own)) expect(value).toMatch(/^[0-9a-f]{48}$/);
    expect(new Set(Object.values(own)).size).toBe(Object.keys(own).length);
    expect(calls.filter((call) => call.includes('rollout status') || call.includes('condition=complete'))).toHaveLength(3);
    expect(said).toContain('https://localhost:8443/grafana/');
  });

  it('lets in the user helios with the password of the Secret', () => {
    const one = stubs('kubectl');
    one.run('deploy-all', []);
    const secrets = one.secrets();
    const [, salt = '', hash = ''] = /^helios:\$apr1\$([^$]+)\$(.+)\n$/.exec(secrets['helios-gateway-users']?.['users'] ?? '') ?? [];
    const password = secrets['helios-secrets']?.['GATEWAY_PASSWORD'] ?? '';
    const { stdout } = spawnSync('openssl', ['passwd', '-apr1', '-salt', salt, '-stdin'], { input: password, encoding: 'utf8' });
    expect(stdout.trim()).toBe(`$apr1$${salt}$${hash}`);
  });

  it('changes nothing that is there, however often it runs, and adds what is new', () => {
    const one = stubs('kubectl');
    one.run('deploy-all', [], { DB_PASSWORD: 'mine' });
    const first = one.secrets();
    expect(first['helios-secrets']?.['DB_PASSWORD']).toBe('mine');
    const { status, calls } = one.run('deploy-all', [], { DB_PASSWORD: 'another' });
    expect(status).toBe(0);
    expect(one.secrets()).toEqual(first);
    expect(calls.filter((call) => /create secret|patch secret|delete secret|rollout restart/.test(call))).toEqual([]);

    one.run('deploy-all', ['--overlay', 'prod', '--context', 'c', '--ca', join(root, 'package.json')], ofServers);
    const second = one.secrets()['helios-secrets'] ?? {};
    expect(second).toEqual({ ...first['helios-secrets'], KAFKA_SASL_USERNAME: 'helios', KAFKA_SASL_PASSWORD: 'sasl' });
    expect(Object.keys(second).toSorted()).toEqual(made.secrets['helios-secrets']?.toSorted());
  });

  it('shows no secret to whoever lists the processes of this machine', () => {
    const one = stubs('kubectl');
    const { calls, said } = one.run('deploy-all', []);
    const secret = Object.values(one.secrets()).flatMap((values) => Object.values(values));
    expect(secret.length).toBeGreaterThan(4);
    for (const value of secret) expect([...calls, said].filter((text) => text.includes(value.trim()))).toEqual([]);
  });

  it('removes the Jobs, which cannot be changed, before it applies them anew', () => {
    const { calls } = stubs('kubectl').run('deploy-all', []);
    const jobs = rendered.k8s.filter(({ kind }) => kind === 'Job').map(({ metadata }) => metadata.name);
    const removed = calls.findIndex((call) => call.includes('delete job'));
    for (const job of jobs) expect(calls[removed]).toContain(` ${job}`);
    expect(calls.findIndex((call) => call.includes('rendered.yaml'))).toBeGreaterThan(removed);
  });

  it('starts the services anew when their shared settings changed', () => {
    const one = stubs('kubectl');
    one.run('deploy-all', []);
    one.write('rendered.yaml', 'kind: ConfigMap # changed\n');
    expect(one.run('deploy-all', []).calls.filter((call) => call.includes('rollout restart'))).toHaveLength(1);
  });

  it('says what is not ready', () => {
    const one = stubs('kubectl');
    one.write('never-ready', '');
    const { status, said } = one.run('deploy-all', ['--wait', '5']);
    expect(status).toBe(1);
    expect(said).toContain('statefulset.apps/kafka is not ready after 5 s');
  });

  it.each([
    ['production without a cluster', ['--overlay', 'prod'], 2, 'say which cluster: --context NAME'],
    ['an overlay that is none', ['--overlay', 'staging'], 2, 'it accepts local and prod'],
    ['an argument that is none', ['now'], 2, 'unknown argument now'],
    ['a flag without its value', ['--context'], 2, '--context needs a value'],
    [
      'passwords of servers that nobody gave',
      ['--overlay', 'prod', '--context', 'c'],
      1,
      'DB_PASSWORD REDIS_PASSWORD KAFKA_SASL_USERNAME KAFKA_SASL_PASSWORD',
    ],
  ])('refuses %s', (_, args, exit, says) => {
    const { status, said } = stubs('kubectl').run('deploy-all', args);
    expect(said).toContain(says);
    expect(status).toBe(exit);
  });

  it('refuses hosts that stand for yours, as k8s/overlays/prod has them', () => {
    const one = stubs('kubectl');
    one.write('rendered.yaml', files.text('k8s/overlays/prod/settings.yaml'));
    const { status, said, calls } = one.run('deploy-all', ['--overlay', 'prod', '--context', 'c'], ofServers);
    expect(status).toBe(1);
    expect(said).toContain('still names example.com');
    expect(calls.filter((call) => call.includes('apply'))).toEqual([]);
  });

  it('refuses production without a certificate, and without authorities of its servers', () => {
    const one = stubs('kubectl');
    const args = ['--overlay', 'prod', '--context', 'c'];
    expect(one.run('deploy-all', args, ofServers).said).toContain('there is no Secret helios-gateway-tls');
    one.run('deploy-all', []);
    expect(one.run('deploy-all', args, ofServers).said).toContain('there is no ConfigMap helios-ca');
    expect(one.run('deploy-all', [...args, '--ca', join(root, 'package.json')], ofServers).status).toBe(0);
    expect(one.run('deploy-all', args, ofServers).status).toBe(0);
  });

  it('makes no cluster and asks for none when it only prints', () => {
    const { status, said, calls } = stubs('kubectl').run('deploy-all', ['--render']);
    expect(status).toBe(0);
    expect(said).toContain('pod-security.kubernetes.io/enforce: restricted');
    expect(calls).toHaveLength(1);
  });
});

describe('scripts/setup-cluster', () => {
  const images = [
    ...new Set(
      workloadsOf(rendered.k8s).flatMap((workload) =>
        containersOf(workload)
          .filter(isOurs)
          .map(({ image }) => image),
      ),
    ),
  ].toSorted();

  it('makes the cluster once, and loads every image that the manifests name', () => {
    const one = stubs('kind', 'docker', 'kubectl');
    const first = one.run('setup-cluster', []);
    expect(first.status, first.said).toBe(0);
    const loaded = first.calls.flatMap((call) => /^kind load docker-image (\S+)/.exec(call)?.[1] ?? []);
    expect(loaded.toSorted()).toEqual(images);
    const builds = first.calls.flatMap((call) => /^docker build --target (\S+) --tag (\S+)/.exec(call)?.slice(1, 3) ?? []);
    expect(builds).toHaveLength(2 * images.length);
    expect(first.calls.filter((call) => call.startsWith('kind create cluster'))).toHaveLength(1);

    const second = one.run('setup-cluster', ['--no-build']);
    expect(second.status).toBe(0);
    expect(second.calls.filter((call) => /^kind create|^docker build/.test(call))).toEqual([]);
  });

  it.each([
    ['a driver that is none', ['--driver', 'k3d'], 'it accepts kind and minikube'],
    ['a name that is none', ['--name', 'My Cluster'], 'it accepts small letters'],
    ['an argument that is none', ['--fast'], 'unknown argument --fast'],
  ])('refuses %s', (_, args, says) => {
    const { status, said } = stubs('kind', 'docker', 'kubectl').run('setup-cluster', args);
    expect(said).toContain(says);
    expect(status).toBe(2);
  });

  it('says what is missing', () => {
    expect(stubs('kubectl').run('setup-cluster', []).said).toContain('neither kind');
  });

  it('makes a cluster with memory for every pod of the overlay, and for one more while a Deployment is replaced', () => {
    const mebibytes = (quantity = ''): number => {
      const [, number, unit] = /^(\d+)(Mi|Gi)$/.exec(quantity) ?? [];
      return Number(number) * (unit === 'Gi' ? 1024 : 1);
    };
    const workloads = workloadsOf(rendered['k8s/overlays/local']).map((workload) => ({
      ...workload,
      podMebibytes: containersOf(workload, 'main').reduce((sum, { resources }) => sum + mebibytes(resources?.requests?.['memory']), 0),
    }));
    const pods = workloads.reduce((sum, { replicas = 1, podMebibytes }) => sum + replicas * podMebibytes, 0);
    const oneMore = Math.max(...workloads.filter(({ kind }) => kind === 'Deployment').map(({ podMebibytes }) => podMebibytes));
    const ofKubernetesItself = 1024;
    const script = files.text('scripts/setup-cluster');
    const gibibytes = Number(/minikube start .*--memory (\d+)g/.exec(script)?.[1]);
    expect(pods + oneMore + ofKubernetesItself).toBeLessThanOrEqual(gibibytes * 1024);
    expect(script).toContain(`${gibibytes} GiB to spare`);
  });

  it('leads the ports that the overlay gives the gateway to this machine', () => {
    const [cluster] = files.documents('k8s/overlays/local/kind.yaml') as [
      { nodes: { extraPortMappings: { containerPort: number; listenAddress: string }[] }[] },
    ];
    const mappings = cluster.nodes[0]?.extraPortMappings ?? [];
    const gateway = rendered['k8s/overlays/local'].find(({ kind, metadata }) => kind === 'Service' && metadata.name === 'gateway');
    const spec = gateway?.['spec'] as { ports: { nodePort: number }[] } | undefined;
    expect(mappings.map(({ containerPort }) => containerPort)).toEqual(spec?.ports.map(({ nodePort }) => nodePort));
    for (const { listenAddress } of mappings) expect(listenAddress).toBe('127.0.0.1');
  });
});

const shellScripts = readdirSync(join(root, 'scripts')).filter((name) => {
  return !name.includes('.') && /^#!.*\bbash$/.test(readTextOf(name).split('\n', 1)[0] ?? '');
});

function readTextOf(name: string): string {
  try {
    return readFileSync(join(root, 'scripts', name), 'utf8');
  } catch {
    return ''; // a folder
  }
}

it.each(['deploy-all', 'setup-cluster', 'install-kubectl-validate'])(
  'scripts/%s says with --help what it does, and needs nothing for that',
  (name) => {
    const { status, said } = stubs().run(name, ['--help']);
    expect(status).toBe(0);
    expect(said).toMatch(new RegExp(`^Usage: scripts/${name} `));
  },
);

describe.skipIf(shellcheckAbsent !== undefined)(`by shellcheck${whySkipped(shellcheckAbsent)}`, () => {
  it.each(shellScripts)('scripts/%s is clean', (name) => {
    const { status, stdout } = spawnSync('shellcheck', [join(root, 'scripts', name)], { encoding: 'utf8' });
    expect(status, stdout).toBe(0);
  });

  it('would be found to leave a variable without quotes', () => {
    const { status } = spawnSync('shellcheck', ['-'], { input: '#!/usr/bin/env bash\nrm $1\n', encoding: 'utf8' });
    expect(status).not.toBe(0);
  });
});
