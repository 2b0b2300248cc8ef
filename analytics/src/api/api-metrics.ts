import { LatencyHistogram, type Metrics } from '@helios/runtime/metrics';

/** What the API counts, in plain fields; read when the registry is scraped. */
export class ApiMetrics {
  readonly responses = { '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 };
  readonly duration = new LatencyHistogram();
  readonly exports = { complete: 0, cut_off: 0, refused: 0 };
  limited = 0;
  #exportsRunning: () => number = () => 0;

  constructor(metrics: Metrics) {
    metrics.counter('helios_api_exports_total', 'CSV exports of outcomes by how they ended.', () => this.exports, 'result');
    metrics.gauge('helios_api_exports_running', 'CSV exports of outcomes that are being sent.', () => this.#exportsRunning());
    metrics.counter('helios_api_responses_total', 'Requests by class of their answer.', () => this.responses, 'status');
    metrics.counter('helios_api_rate_limited_total', 'Requests answered 429.', () => this.limited);
    metrics.histogram('helios_api_request_duration_seconds', 'From the request received to its answer sent.', () => this.duration);
  }

  watchExports(running: () => number): void {
    this.#exportsRunning = running;
  }

  answered(status: number, seconds: number): void {
    const statusClass = status < 300 ? '2xx' : status < 400 ? '3xx' : status < 500 ? '4xx' : '5xx';
    this.responses[statusClass]++;
    this.duration.observe(seconds);
  }
}
