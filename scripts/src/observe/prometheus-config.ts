/** How the Prometheus of `npm run observe` is set up: the project's own rules, targets from a file, nothing but loopback. Pure. */

export interface ObserveSetup {
  /** Holds targets.json, prometheus.yml and the data. */
  readonly folder: string;
  /** The project's rule files, as a pattern. */
  readonly rules: string;
  readonly intervalSeconds: number;
  readonly port: number;
}

/** Longer than the slowest rule looks back; the size is the bound that counts. */
const RETENTION = '7d';
const RETENTION_BYTES = '1GB';

/** The text of prometheus.yml: JSON, which is YAML too. */
export function configText({ folder, rules, intervalSeconds, port }: ObserveSetup): string {
  const interval = `${intervalSeconds}s`;
  const config = {
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
    rule_files: [rules],
    scrape_configs: [
      { job_name: 'prometheus', static_configs: [{ targets: [`127.0.0.1:${port}`] }] },
      // Each target brings its role as the label job.
      { job_name: 'helios', file_sd_configs: [{ files: [`${folder}/targets.json`], refresh_interval: '10s' }] },
    ],
  };
  return `# Written by npm run observe at every start: changes are lost.\n${JSON.stringify(config, null, 2)}\n`;
}

export function prometheusArgs({ folder, port }: ObserveSetup): string[] {
  return [
    `--config.file=${folder}/prometheus.yml`,
    `--storage.tsdb.path=${folder}/data`,
    `--storage.tsdb.retention.time=${RETENTION}`,
    `--storage.tsdb.retention.size=${RETENTION_BYTES}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=warn',
  ];
}
