import { vi } from 'vitest';

/** Questions to a running Prometheus. */

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** In order of time; what is no number (a ratio of nothing) is left out. */
  readonly values: readonly number[];
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data: { readonly result: readonly { readonly metric: Record<string, string>; readonly values?: readonly [number, string][] }[] };
}

export class PrometheusClient {
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  /** The series of a query over a time, in Unix seconds. @throws Error when Prometheus refuses the query. */
  async range(expr: string, fromSeconds: number, toSeconds: number, stepSeconds: number): Promise<Series[]> {
    const { data } = await this.#ask('query_range', { query: expr, start: fromSeconds, end: toSeconds, step: stepSeconds });
    return data.result.map(({ metric, values = [] }) => ({
      labels: metric,
      values: values.map(([, text]) => Number(text)).filter((value) => Number.isFinite(value)),
    }));
  }

  /** Resolves as soon as the query gives data: a comparison that is true somewhere. @throws when it does not within `limitMs`. */
  async until(expr: string, limitMs = 60_000): Promise<void> {
    await vi.waitFor(
      async () => {
        const { data } = await this.#ask('query', { query: expr });
        if (data.result.length === 0) throw new Error(`There is never any: ${expr}`);
      },
      { timeout: limitMs, interval: 300 },
    );
  }

  /** The name of every metric that is stored. */
  async metricNames(): Promise<Set<string>> {
    const response = await fetch(`${this.#base}/api/v1/label/__name__/values`);
    return new Set(((await response.json()) as { data: string[] }).data);
  }

  async #ask(path: string, parameters: Readonly<Record<string, string | number>>): Promise<Answer> {
    const body = new URLSearchParams(Object.entries(parameters).map(([name, value]): [string, string] => [name, String(value)]));
    const response = await fetch(`${this.#base}/api/v1/${path}`, { method: 'POST', body });
    const answer = (await response.json()) as Answer;
    if (answer.status !== 'success') throw new Error(`${answer.error}: ${body.get('query')}`);
    return answer;
  }
}
