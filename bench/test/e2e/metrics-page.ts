import { type Service, services } from './helios-under-test.js';

/** docs/metrics.md as data, to be compared with what services show. */

/** A metric's type and labels; a label's values are a closed list, or `any`. */
export interface Metric {
  readonly type: string;
  readonly labels: Readonly<Record<string, readonly string[] | 'any'>>;
}

type Metrics = Readonly<Record<string, Metric>>;

/** What the page says of each service: the rows of the tables below the headings that name it (`## Title: service, service`). */
export function documentedMetrics(page: string): Record<Service, Metrics> {
  const documented = Object.fromEntries(services.map((service) => [service, {}])) as Record<Service, Record<string, Metric>>;
  for (const section of page.split('\n## ').slice(1)) {
    const [heading = ''] = section.split('\n', 1);
    const named = (heading.split(': ')[1] ?? '').split(', ');
    for (const [, names = '', type = '', labels = ''] of section.matchAll(/^\| (`[^|]+`) \| (\w+) \| ([^|]*)\|/gm)) {
      for (const [, name = ''] of names.matchAll(/`([^`]+)`/g)) {
        for (const service of named) {
          const its = documented[service as Service];
          if (its === undefined) throw new Error(`docs/metrics.md: "${heading}" names ${service}, which is no service`);
          if (name in its) throw new Error(`docs/metrics.md has ${name} twice for ${service}`);
          its[name] = { type, labels: labelsOf(labels) };
        }
      }
    }
  }
  return documented;
}

/** Such as `` `state` = busy, idle `` or `` `service` any, `version` any ``. */
function labelsOf(cell: string): Metric['labels'] {
  const labels: Record<string, readonly string[] | 'any'> = {};
  for (const [, name = '', values] of cell.matchAll(/`(\w+)` (?:any|= ([^`]+))/g)) {
    labels[name] =
      values === undefined
        ? 'any'
        : values
            .replace(/,?\s*$/, '')
            .split(', ')
            .toSorted();
  }
  return labels;
}

/**
 * What a scrape shows, in the page's terms: labels of which `documented` says that they may have any value are `any` here too, and so are those
 * of a metric that has them and shows no sample yet.
 */
export function shownMetrics(text: string, documented: Metrics): Metrics {
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
  const values = new Map<string, Map<string, Set<string>>>();
  for (const [, sampleName = '', labels = ''] of text.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+$/gm)) {
    const name = types.has(sampleName) ? sampleName : sampleName.replace(/_(bucket|sum|count)$/, '');
    if (!types.has(name)) throw new Error(`${sampleName} is shown without a type`);
    const its = values.get(name) ?? new Map<string, Set<string>>();
    values.set(name, its);
    for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      if (label !== 'le') its.set(label, (its.get(label) ?? new Set()).add(value));
    }
  }
  return Object.fromEntries(
    [...types].map(([name, type]) => {
      const said = documented[name]?.labels ?? {};
      const its = values.get(name);
      if (its === undefined) {
        const open = Object.values(said).every((list) => list === 'any') ? said : {};
        return [name, { type, labels: open }];
      }
      const labels = [...its].map(([label, list]) => [label, said[label] === 'any' ? ('any' as const) : [...list].toSorted()] as const);
      return [name, { type, labels: Object.fromEntries(labels) }];
    }),
  );
}
