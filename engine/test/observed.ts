import pino from 'pino';
import type { Logger } from 'pino';
import { Metrics } from '@helios/runtime/metrics';

/** A logger and a registry whose lines and samples a test can read. */
export interface Observed {
  readonly log: Logger;
  readonly logged: Record<string, unknown>[];
  readonly metrics: Metrics;
  /** The value of one sample at `/metrics`, such as `helios_kafka_refusals_total{reason="queue_full"}`. */
  metric(sample: string): Promise<number>;
}

export function observed(service = 'test'): Observed {
  const logged: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>) });
  const metrics = new Metrics(service, 'test');
  const metric = async (sample: string): Promise<number> => {
    const text = await metrics.registry.metrics();
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${sample} `));
    if (line === undefined) throw new Error(`no sample ${sample} in\n${text}`);
    return Number(line.slice(sample.length + 1));
  };
  return { log, logged, metrics, metric };
}

/** Waits until `holds`, looking every few milliseconds; the test's own time limit is the bound. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}
