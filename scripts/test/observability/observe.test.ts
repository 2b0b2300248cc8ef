import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { UsageError } from '../../src/cli.js';
import { graphs, graphUrl } from '../../src/observe/links.js';
import { readObserveOptions, runningFolder } from '../../src/observe/options.js';
import { configText, prometheusArgs } from '../../src/observe/prometheus-config.js';
import { parseTarget, targetsFile, targetsOf } from '../../src/observe/targets.js';
import { prometheusAbsent, whySkipped } from '../absent-servers.js';
import { prometheusFolder } from './rule-files.js';

const child = (name: string, adminPort: number | null) => ({ name, pid: 1, serverPid: null, adminPort, deaths: 0 });
const addresses = { bid: 'http://127.0.0.2:8080/bid', api: '', dashboard: '', profiles: '' };

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'helios-observe-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('targets', () => {
  it('are the services by their role, siblings under one, and no servers', () => {
    const children = [child('kafka-1', null), child('ingest-1', 9101), child('ingest-2', 9111), child('profile-svc', 9104)];
    const targets = targetsOf({ addresses, children });
    expect(targets).toEqual([
      { job: 'ingest', address: '127.0.0.2:9101' },
      { job: 'ingest', address: '127.0.0.2:9111' },
      { job: 'profile-svc', address: '127.0.0.2:9104' },
    ]);
    expect(JSON.parse(targetsFile(targets.slice(2)))).toEqual([{ targets: ['127.0.0.2:9104'], labels: { job: 'profile-svc' } }]);
  });

  it('can be named by hand', () => {
    expect(parseTarget('bidder=[::1]:9102')).toEqual({ job: 'bidder', address: '[::1]:9102' });
    for (const wrong of ['bidder', 'bidder=9102', 'bidder=http://a:1', '=a:1', 'Bidder=a:1'])
      expect(() => parseTarget(wrong)).toThrow(UsageError);
  });
});

describe('the start to look at', () => {
  it('is the first whose launcher lives', () => {
    const states = [join(folder, 'none'), folder];
    expect(runningFolder(states)).toBeNull();
    writeFileSync(join(folder, 'run.json'), JSON.stringify({ pid: process.pid }));
    expect(runningFolder(states)).toBe(folder);
    writeFileSync(join(folder, 'run.json'), JSON.stringify({ pid: spawnSync('true').pid }));
    expect(runningFolder(states)).toBeNull();
  });

  it('is asked for with flags that are checked', () => {
    expect(readObserveOptions(['--interval', '5', '--target', 'a=b:1', '--target', 'c=d:2'])).toMatchObject({
      intervalSeconds: 5,
      port: undefined,
      targets: [{ job: 'a' }, { job: 'c' }],
    });
    expect(readObserveOptions(['--help'])).toBeNull();
    for (const wrong of [['--interval', '0'], ['--port', 'x'], ['more'], ['--traffic', '1']])
      expect(() => readObserveOptions(wrong)).toThrow(UsageError);
  });
});

describe('the setup of Prometheus', () => {
  const setup = () => ({ folder, rules: join(prometheusFolder, 'rules/*.yml'), intervalSeconds: 2, port: 9090 });

  it('listens on loopback only, and bounds what it keeps', () => {
    const args = prometheusArgs(setup());
    expect(args).toContain('--web.listen-address=127.0.0.1:9090');
    expect(args.some((arg) => arg.startsWith('--storage.tsdb.retention.size='))).toBe(true);
    expect(parse(configText(setup()))).toMatchObject({
      global: { scrape_interval: '2s', scrape_timeout: '2s', evaluation_interval: '2s' },
    });
  });

  it.skipIf(prometheusAbsent !== undefined)(`is valid, with all rule files${whySkipped(prometheusAbsent)}`, () => {
    writeFileSync(join(folder, 'prometheus.yml'), configText(setup()));
    writeFileSync(join(folder, 'targets.json'), targetsFile([{ job: 'a', address: 'b:1' }]));
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'config', join(folder, 'prometheus.yml')], { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    const rules = readdirSync(join(prometheusFolder, 'rules')).filter((name) => name.endsWith('.yml'));
    expect(stdout).toContain(`${rules.length} rule files found`);
  });
});

it('a link opens the graph of its expression', () => {
  for (const { expr } of graphs(2)) {
    const url = new URL(graphUrl('http://127.0.0.1:9090', expr, '15m'));
    expect([url.pathname, url.searchParams.get('g0.expr'), url.searchParams.get('g0.range_input')]).toEqual(['/graph', expr, '15m']);
  }
});
