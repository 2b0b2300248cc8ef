import { check } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import { apiPaths } from '../load/api-paths.ts';
import { optionsOf, targetOf } from './scenario-set.ts';
import { type SummaryData, writeSummary } from './summary.ts';

/**
 * The analytics API at constant and ramping arrival rates: k6 run -e API_URL=http://127.0.0.1:8000 bench/k6/api.ts
 * Pages of outcomes and statistics in turn; every answer must be 200 with the JSON asked for. Other settings: bench/k6/scenario-set.ts.
 * The ramp stays below the API's rate limit of 1,000 requests a second and client.
 */
const url = targetOf('API_URL', 'http://127.0.0.1:8000');
const paths = apiPaths(Date.now());

export const options = optionsOf({ rate: 100, rampRate: 200, p99Ms: 50 });

http.setResponseCallback(http.expectedStatuses(200));

export default function askApi(): void {
  const path = paths[exec.scenario.iterationInTest % paths.length] ?? paths[0];
  const response = http.get(`${url}${path}`, { tags: { name: path.replace(/\?.*/, '') } });
  check(response, {
    'answered 200': ({ status }) => status === 200,
    'with what was asked for': ({ body }) => typeof body === 'string' && isAnswer(path, body),
  });
}

export function handleSummary(data: SummaryData): Record<string, string> {
  return writeSummary('api', data);
}

function isAnswer(path: string, body: string): boolean {
  const answer: unknown = JSON.parse(body);
  if (typeof answer !== 'object' || answer === null) return false;
  if (path.includes('/outcomes/') || path.includes('/breakdown/')) return 'results' in answer && Array.isArray(answer.results);
  return path.includes('/timeseries/') ? 'points' in answer && Array.isArray(answer.points) : 'current' in answer;
}
