import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readDockerfile } from '../../src/images/dockerfile.js';
import { grafanaFolder } from '../observability/dashboard-files.js';
import { prometheusFolder, readYaml } from '../observability/rule-files.js';
import { composeFaults, type Facts, isOurs, programOf, runsOnce, schemaOf } from './compose-faults.js';
import { type ComposeProject, readCompose } from './compose-file.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');
const facts: Facts = {
  dockerfile: readDockerfile(textOf('Dockerfile')),
  version: (JSON.parse(textOf('package.json')) as { version: string }).version,
};
const project = readCompose(root);
const { services } = project;
const serviceOf = (name: string) => services[name] ?? { image: '' };

/** The project with one text of compose.yaml replaced. */
function planted(from: string, to: string, file = 'compose.yaml'): ComposeProject {
  expect(textOf(file)).toContain(from);
  return readCompose(root, (path) => (path === file ? textOf(path).replace(from, to) : textOf(path)));
}

describe('compose.yaml', () => {
  it('has no fault', () => {
    expect(composeFaults(project, facts)).toEqual([]);
  });

  it('runs every service of Helios, each once, and what prepares them', () => {
    const ran = Object.values(services)
      .filter(isOurs)
      .map((service) => programOf(service, facts.dockerfile).slice(0, 2).join(' '));
    expect(ran.toSorted()).toEqual(
      [
        'engine/dist/main.js ingest',
        'engine/dist/main.js bidder',
        'engine/dist/main.js auction',
        'engine/dist/main.js topics',
        'analytics/dist/main.js migrate',
        'analytics/dist/main.js writer',
        'analytics/dist/main.js api',
        'profile-svc/dist/main.js',
        'profile-svc/dist/seed.js --count',
        'dashboard/dist/server/main.js',
      ].toSorted(),
    );
  });

  it('asks the health of its own images by node, on the admin port that they have', () => {
    for (const service of Object.values(services).filter((candidate) => isOurs(candidate) && !runsOnce(candidate))) {
      expect(service.healthcheck?.test?.slice(0, 3)).toEqual(['CMD', 'node', '-e']);
      const port = facts.dockerfile.get(service.build?.target ?? '')?.config.env['ADMIN_PORT'];
      expect(service.healthcheck?.test?.[3]).toContain(`http://127.0.0.1:${port}/readyz`);
    }
  });

  it('sends a browser from the dashboard to the API, which lets its pages read', () => {
    const address = `http://${serviceOf('api').ports?.[0]?.split(':').slice(0, 2).join(':')}`;
    expect(serviceOf('dashboard').environment?.['ANALYTICS_API_URL']).toBe(address);
    const origin = `http://${serviceOf('dashboard').ports?.[0]?.split(':').slice(0, 2).join(':')}`;
    expect(serviceOf('api').environment?.['ANALYTICS_CORS_ORIGINS']?.split(',')).toContain(origin);
  });

  it('gives PostgreSQL and those who use it one password, user and database', () => {
    const { POSTGRES_PASSWORD, POSTGRES_USER, POSTGRES_DB } = serviceOf('postgres').environment ?? {};
    for (const name of ['migrate', 'writer', 'api']) expect(serviceOf(name).environment?.['DB_PASSWORD']).toBe(POSTGRES_PASSWORD);
    const defaults = Object.values(schemaOf(['analytics/dist/main.js', 'api'])?.schema ?? {});
    expect([POSTGRES_USER, POSTGRES_DB]).toEqual(
      ['DB_USER', 'DB_NAME'].map((env) => defaults.find((field) => field.env === env)?.fallback),
    );
  });

  it('publishes no port of Kafka, Redis or PostgreSQL', () => {
    for (const name of ['kafka', 'redis', 'postgres']) expect(serviceOf(name).ports).toBeUndefined();
  });

  it('runs a scenario of bench/k6 where ingest is on loopback', () => {
    const k6 = serviceOf('k6');
    const [, script = ''] = k6.command ?? [];
    const [[source = '', target = ''] = []] = (k6.volumes ?? []).map((volume) => volume.split(':'));
    expect(existsSync(resolve(root, source, script.slice(target.length + 1)))).toBe(true);
    expect(k6).toMatchObject({ profiles: ['bench'], network_mode: 'service:ingest' });
  });
});

describe('the profile observability', () => {
  const prometheus = serviceOf('prometheus');
  const grafana = serviceOf('grafana');
  const mount = (service: typeof grafana, target: string) =>
    resolve(project.folderOf('grafana'), service.volumes?.find((volume) => volume.split(':')[1] === target)?.split(':')[0] ?? '');
  const config = parse(project.configs['prometheus']?.content ?? '') as {
    readonly rule_files: readonly string[];
    readonly global: { readonly scrape_interval: string };
    readonly scrape_configs: readonly {
      readonly job_name: string;
      readonly dns_sd_configs?: readonly { readonly names: readonly string[]; readonly type: string; readonly port: number }[];
    }[];
  };

  it('is not started without being asked for', () => {
    expect([prometheus.profiles, grafana.profiles]).toEqual([['observability'], ['observability']]);
  });

  it('has the rules, dashboards and provisioning of the repository, wherever they are', () => {
    expect(mount(prometheus, '/etc/prometheus/rules')).toBe(join(prometheusFolder, 'rules'));
    expect(mount(grafana, '/etc/grafana/provisioning')).toBe(join(grafanaFolder, 'provisioning'));
    const provider = readYaml(join(grafanaFolder, 'provisioning/dashboards/helios.yaml')) as { providers: { options: { path: string } }[] };
    expect(mount(grafana, provider.providers[0]?.options.path ?? '')).toBe(join(grafanaFolder, 'dashboards'));
    expect(config.rule_files).toEqual(['/etc/prometheus/rules/*.yml']);
  });

  it('scrapes every service under its role, on the admin port, as often as in Kubernetes', () => {
    const jobs = config.scrape_configs.filter(({ job_name }) => job_name !== 'prometheus');
    const roles = Object.keys(services).filter((name) => isOurs(serviceOf(name)) && !runsOnce(serviceOf(name)));
    expect(jobs.map(({ job_name }) => job_name).toSorted()).toEqual(roles.toSorted());
    for (const { job_name, dns_sd_configs } of jobs) expect(dns_sd_configs).toEqual([{ names: [job_name], type: 'A', port: 9100 }]);
    const inKubernetes = readYaml(join(prometheusFolder, 'prometheus.yml')) as typeof config;
    expect(config.global).toEqual(inKubernetes.global);
  });

  it('answers by the name and port under which the provisioned data source asks', () => {
    const sources = readYaml(join(grafanaFolder, 'provisioning/datasources/prometheus.yaml')) as { datasources: { url: string }[] };
    const { hostname, port } = new URL(sources.datasources[0]?.url ?? '');
    expect(prometheus.networks?.['default']?.aliases).toContain(hostname);
    expect(prometheus.ports?.[0]?.split(':').at(-1)).toBe(port);
  });

  it('lets nobody log in to Grafana', () => {
    expect(grafana.environment).toMatchObject({
      GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION: 'true',
      GF_AUTH_ANONYMOUS_ORG_ROLE: 'Viewer',
      GF_AUTH_DISABLE_LOGIN_FORM: 'true',
      GF_AUTH_BASIC_ENABLED: 'false',
    });
  });
});

describe('a fault in compose.yaml is found:', () => {
  it.each([
    [
      'an image without a version',
      'redis:8.10.1@sha256:298e5b3bc566bade82f46ad5511777a4a07a294097ce16ada2f6a42be5239df5',
      'redis:latest',
      'redis: redis:latest names no version',
    ],
    [
      'an image without a digest',
      '@sha256:298e5b3bc566bade82f46ad5511777a4a07a294097ce16ada2f6a42be5239df5',
      '',
      'redis: redis:8.10.1 names no digest',
    ],
    [
      'an image of another version',
      'helios-dashboard:0.1.0',
      'helios-dashboard:9.9.9',
      'dashboard: ghcr.io/your-username/helios-dashboard:9.9.9 is not',
    ],
    ['a target that is not there', 'target: dashboard', 'target: page', 'dashboard: the Dockerfile has no target page'],
    ['a port for everybody', "'127.0.0.1:${INGEST_PORT:-8080}:8080'", "'8080:8080'", 'ingest: 8080:8080 is not published on 127.0.0.1'],
    ['a port that the image does not have', ':-8080}:8080', ':-8080}:8088', 'ingest: the image does not expose 8088'],
    [
      'a health check that is not there',
      "test: [CMD, bash, -c, ': </dev/tcp/127.0.0.1/9092']",
      'disable: true',
      'kafka: it has no health check',
    ],
    ['a misspelt variable', 'USER_PROFILE_SVC_ADDR:', 'USER_PROFILE_ADDR:', 'bidder: bidder knows no USER_PROFILE_ADDR'],
    ['an address left at its default', 'KAFKA_BROKERS: kafka:9092', 'LOG_LEVEL: info', 'ingest: KAFKA_BROKERS is not set'],
    ['a value that the service refuses', 'profile-svc:50051', 'profile-svc', 'bidder: USER_PROFILE_SVC_ADDR is "profile-svc"'],
    ['an address of nobody', 'DB_HOST: postgres', 'DB_HOST: database', 'api: DB_HOST names database, which is no service'],
    ['a role that does not exist', 'command: [auction]', 'command: [auctions]', 'auction: no service runs as engine/dist/main.js auctions'],
    [
      'a wait for what never ends',
      'seed: { condition: service_completed_successfully }',
      'seed: { condition: service_healthy }',
      'profile-svc: it waits for seed by service_healthy, not by service_completed_successfully',
    ],
    [
      'a preparation that nobody waits for',
      'seed: { condition: service_completed_successfully }',
      'kafka: { condition: service_healthy }',
      'seed: nobody waits for its end',
    ],
    ['a root that can be written to', 'read_only: true', 'read_only: false', 'ingest: its root is not read-only'],
    [
      'a password that cannot be changed',
      'POSTGRES_PASSWORD: ${DB_PASSWORD:-for-loopback-only}',
      'POSTGRES_PASSWORD: geheim',
      'postgres: POSTGRES_PASSWORD cannot',
    ],
    ['a folder that moved', "'./bench:", "'./benches:", 'k6: there is no ./benches to mount'],
  ])('%s', (_, from, to, fault) => {
    const found = composeFaults(planted(from, to), facts);
    expect(
      found.some((sentence) => sentence.startsWith(fault)),
      found.join('\n'),
    ).toBe(true);
  });

  it('rules and dashboards that moved', () => {
    const found = composeFaults(planted('project_directory: ', 'project_directory: moved/'), facts);
    expect(found).toContain('prometheus: there is no ./prometheus/rules to mount');
    expect(found).toContain('grafana: there is no ./grafana/dashboards to mount');
  });
});

it('compose.yaml is the only file of compose that names the folder of rules and dashboards', () => {
  const folder = dirname(prometheusFolder).slice(resolve(root).length + 1);
  expect(textOf('compose.yaml').split(folder)).toHaveLength(2);
  expect(textOf('compose/observability.yaml')).not.toContain(folder);
});
