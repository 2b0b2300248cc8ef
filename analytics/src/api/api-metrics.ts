import { LatencyHistogram, type Metrics } from '@helios/runtime/metrics';

/** What is asked for: a closed list. `csv`: any answer as CSV, whose time is the client's too; `other`: the documentation, and faults of the path. */
export const apiRoutes = ['outcomes', 'outcome', 'summary', 'timeseries', 'breakdown', 'csv', 'other'] as const;
export type ApiRoute = (typeof apiRoutes)[number];

const routesByOperation: Readonly<Record<string, ApiRoute>> = {
  listOutcomes: 'outcomes',
  getOutcome: 'outcome',
  getSummary: 'summary',
  getTimeseries: 'timeseries',
  getBreakdown: 'breakdown',
};

/** The route by the operation that OpenAPI calls it, undefined where there is none. */
export function apiRouteOf(operationId: string | undefined, contentType: unknown): ApiRoute {
  if (typeof contentType === 'string' && contentType.startsWith('text/csv')) return 'csv';
  return (operationId === undefined ? undefined : routesByOperation[operationId]) ?? 'other';
}

/** What the API counts, in plain fields; read when the registry is scraped. */
export class ApiMetrics {
  readonly responses = { '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 };
  readonly durations = Object.fromEntries(apiRoutes.map((route) => [route, new LatencyHistogram()])) as Record<ApiRoute, LatencyHistogram>;
  inFlight = 0;
  readonly exports = { complete: 0, cut_off: 0, refused: 0 };
  limited = 0;
  #exports: { running(): number; readonly max: number } = { running: () => 0, max: 0 };

  constructor(metrics: Metrics) {
    metrics.counter('helios_api_exports_total', 'CSV exports of outcomes by how they ended.', () => this.exports, 'result');
    metrics.gauge('helios_api_exports_running', 'CSV exports of outcomes that are being sent.', () => this.#exports.running());
    metrics.gauge('helios_api_exports_limit', 'Most of them at once: ANALYTICS_EXPORTS_MAX.', () => this.#exports.max);
    metrics.counter('helios_api_responses_total', 'Requests by class of their answer.', () => this.responses, 'status');
    metrics.counter('helios_api_rate_limited_total', 'Requests answered 429.', () => this.limited);
    metrics.histogram(
      'helios_api_request_duration_seconds',
      'From the request received to its answer sent, by what was asked for.',
      () => this.durations,
      'route',
    );
    metrics.gauge('helios_api_requests_in_flight', 'Requests that are being answered.', () => this.inFlight);
  }

  watchExports(exports: { running(): number; readonly max: number }): void {
    this.#exports = exports;
  }

  answered(route: ApiRoute, status: number, seconds: number): void {
    const statusClass = status < 300 ? '2xx' : status < 400 ? '3xx' : status < 500 ? '4xx' : '5xx';
    this.responses[statusClass]++;
    this.durations[route].observe(seconds);
  }
}
