import { check } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import { optionsOf, targetOf } from './scenario-set.ts';
import { type SummaryData, writeSummary } from './summary.ts';

/**
 * `POST /bid` at constant and ramping arrival rates: k6 run -e BID_URL=http://127.0.0.1:8080/bid bench/k6/bid.ts
 * Every request has an id of its own, and its answer must be 202 with that id. Other settings: bench/k6/scenario-set.ts; ID_PREFIX.
 * The default rates are what k6 holds on two cores beside the servers.
 */
const url = targetOf('BID_URL', 'http://127.0.0.1:8080/bid');
const prefix = __ENV['ID_PREFIX'] ?? `k6-${Date.now().toString(36)}`;

export const options = optionsOf({ rate: 500, rampRate: 1000, p99Ms: 25 });

http.setResponseCallback(http.expectedStatuses(202));

const sizes = [
  [300, 250],
  [728, 90],
  [320, 50],
  [160, 600],
] as const;

export default function postBid(): void {
  const { name, iterationInTest } = exec.scenario;
  const id = `${prefix}-${name}-${iterationInTest}`;
  const response = http.post(url, bodyOf(id, iterationInTest), { headers: { 'Content-Type': 'application/json' }, tags: { name: 'bid' } });
  check(response, {
    'answered 202': ({ status }) => status === 202,
    'with the id sent': ({ body }) => typeof body === 'string' && body === `{"status":"accepted","id":"${id}"}`,
  });
}

export function handleSummary(data: SummaryData): Record<string, string> {
  return writeSummary('bid', data);
}

/** An OpenRTB 2.6 request with one to four impressions, users of whom half have a profile, and floors at most 0.01 or above 0.10. */
function bodyOf(id: string, n: number): string {
  const imp = [];
  for (let index = 0; index <= n % sizes.length; index++) {
    const [w, h] = sizes[(n + index) % sizes.length] ?? sizes[0];
    imp.push({
      id: String(index + 1),
      banner: { w, h, pos: 1 },
      bidfloor: (n + index) % 2 === 0 ? 0.01 : 0.12,
      bidfloorcur: 'USD',
      secure: 1,
    });
  }
  return JSON.stringify({
    id,
    at: 1 + (n % 2),
    tmax: 120,
    cur: ['USD'],
    imp,
    site: { id: `site-${n % 50}`, domain: `news-${n % 50}.example`, page: `https://news-${n % 50}.example/articles/${n}` },
    device: { ua: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', ip: '192.0.2.7', language: 'en', geo: { country: 'USA' } },
    user: { id: `user-${String(n % 2000).padStart(7, '0')}` },
  });
}
