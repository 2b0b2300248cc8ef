/** Prometheus' text format, as much of it as the launcher reads. Pure. */

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All samples of one scrape by metric name. */
export type Scrape = ReadonlyMap<string, readonly Sample[]>;

/**
 * Parses a scrape; lines that are no sample (comments, timestamps of a kind unknown here) are passed over, and so are those whose name does
 * not begin with `nameStart`: a whole page is milliseconds of work, which a process that also keeps a schedule does not have.
 */
export function parseMetrics(text: string, nameStart = ''): Scrape {
  const scrape = new Map<string, Sample[]>();
  for (const line of text.split('\n')) {
    if (!line.startsWith(nameStart)) continue;
    const match = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (match === null) continue;
    const [, name = '', labelText = '', valueText = ''] = match;
    const samples = scrape.get(name) ?? [];
    scrape.set(name, samples);
    samples.push({ labels: labelsOf(labelText), value: numberOf(valueText) });
  }
  return scrape;
}

/** The sum of a metric's samples that carry all the given labels; 0 when there is none. */
export function sumOf(scrapes: Iterable<Scrape>, name: string, labels: Readonly<Record<string, string>> = {}): number {
  let sum = 0;
  for (const scrape of scrapes) {
    for (const sample of scrape.get(name) ?? []) {
      if (Object.entries(labels).every(([key, value]) => sample.labels[key] === value)) sum += sample.value;
    }
  }
  return sum;
}

/** Cumulative bucket counts of a histogram by upper edge in seconds, ascending. */
export function bucketsOf(scrapes: Iterable<Scrape>, name: string): Map<number, number> {
  const counts = new Map<number, number>();
  for (const scrape of scrapes) {
    for (const sample of scrape.get(`${name}_bucket`) ?? []) {
      const edge = numberOf(sample.labels['le'] ?? '');
      counts.set(edge, (counts.get(edge) ?? 0) + sample.value);
    }
  }
  return new Map([...counts].toSorted(([a], [b]) => a - b));
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, key = '', value = ''] of text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[key] = value;
  return labels;
}

function numberOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
}
