import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kafkaAbsent, prometheusAbsent, redisAbsent, whySkipped } from '../absent-servers.js';
import { dashboardFiles, panelsOf, substituted } from './dashboard-files.js';
import { burst, poison, readers, refusedRequests } from './drive.js';
import { type LiveStack, startLiveStack } from './live-stack.js';
import { metricNames, operandsOf } from './promql.js';
import type { Series } from './prometheus-client.js';
import { allRules } from './rule-files.js';

/**
 * A real Prometheus with the real rules beside the real stack, under load and faults: what dashboards and rules ask for is there, and moves.
 * Nothing is asked with a fallback such as `or vector(0)`; the lint of the dashboards forbids it.
 */

const SCRAPE_SECONDS = 1;
const RATE_RANGE = '6s';
/** Long enough for a `$__range` over the whole test. */
const WHOLE_RANGE = '5m';
const TRAFFIC_PER_SECOND = 80;
const STEP_SECONDS = 1;

/** Queries that may stay at zero, by panel and legend, and why. Every other one must be seen off zero. */
const mayStayZero: Readonly<Record<string, string>> = {
  'Events lost / {{job}}': 'a broker that drops events is a fault row of its own, of minutes',
  'Retries of batches / {{job}}': 'an outage of seconds is waited out inside of a batch',
  'Commits that failed / {{job}}': 'commits are tried for longer than the outages of this test',
  'Requests to brokers in trouble / {{job}} {{kind}}':
    'the broker is stopped for less than the time after which its client gives a request up',
  'Consumers held back / {{job}} {{reason}}': 'the load of this test never fills a bound',
  'Backlog of the fullest partition / {{job}}': 'measured now and then, and empty while the readers keep up',
  'Maintenance / days folded': 'a day has to end first',
  'Maintenance / rows removed': 'rows have to be 90 days old first',
  'API: exports / running': 'an export of a minute’s rows ends between two scrapes',
  'API: in flight / {{instance}}': 'an answer takes milliseconds: a scrape seldom meets one',
};

/** What the load and the faults must have shown on a panel: a series by its label, and whether it was seen above zero or at zero. */
const mustShow: readonly (readonly [panel: string, label: string, value: string, seen: 'above zero' | 'at zero'])[] = [
  ['Requests by outcome', 'outcome', 'invalid', 'above zero'],
  ['Requests by outcome', 'outcome', 'too_large', 'above zero'],
  ['Requests by outcome', 'outcome', 'unsupported_encoding', 'above zero'],
  ['Requests by outcome', 'outcome', 'ack_timeout', 'above zero'],
  ['Answered 503', 'outcome', 'ack_timeout', 'above zero'],
  ['Answered 503', 'outcome', 'no_broker', 'above zero'],
  ['Events refused by the producer', 'reason', 'not_connected', 'above zero'],
  ['Brokers heard of', 'job', 'ingest', 'at zero'],
  ['Circuit breakers', 'state', 'open', 'above zero'],
  ['Circuit breakers', 'state', 'closed', 'above zero'],
  ['Bids by enrichment', 'profile', 'enriched', 'above zero'],
  ['Bids by enrichment', 'profile', 'plain', 'above zero'],
  ['Calls to profile-svc', 'result', 'unavailable', 'above zero'],
  ['Profile store', 'job', '', 'at zero'],
  ['Database up', 'job', 'writer', 'at zero'],
  ['Instances that answer', 'job', 'bidder', 'at zero'],
  ['Instances that answer', 'job', 'bidder', 'above zero'],
  ['Dead letters', 'job', 'bidder', 'above zero'],
  ['Dead letters', 'job', 'auction', 'above zero'],
  ['Deliveries that failed', 'job', 'ingest', 'above zero'],
  ['Lag in seconds', 'job', 'bidder', 'above zero'],
  ['API: answers by status', 'status', '4xx', 'above zero'],
  ['API: answers by status', 'status', '5xx', 'above zero'],
];

const absent = prometheusAbsent ?? kafkaAbsent ?? redisAbsent;
describe.skipIf(absent !== undefined)(`Prometheus beside the stack${whySkipped(absent)}`, () => {
  let stack: LiveStack;
  let fromSeconds: number;
  let toSeconds: number;

  beforeAll(async () => {
    // A guarded backlog is a metric on real Kafka too; a low limit makes 429s cheap.
    stack = await startLiveStack({ KAFKA_BACKLOG_MAX_BYTES: '100000000', ANALYTICS_RATE_LIMIT: '40' }, TRAFFIC_PER_SECOND, SCRAPE_SECONDS);
    fromSeconds = Date.now() / 1000;
    await loadAndFaults(stack).catch(async (error: Error) => {
      throw new Error(`${error.message}\n${await stack.troubles()}`, { cause: error });
    });
    toSeconds = Date.now() / 1000;
  }, 400_000);
  afterAll(async () => {
    await stack?.stop();
  }, 120_000);

  const rangeOf = (expr: string): Promise<Series[]> => stack.prometheus.range(expr, fromSeconds, toSeconds, STEP_SECONDS);
  const asked = (expr: string): string => substituted(expr.replaceAll('$__range', WHOLE_RANGE), RATE_RANGE);

  it('scrapes every service', () => {
    expect(stack.targets).toEqual({ up: 7, all: 7 });
  });

  it('has every metric that dashboards and rules name', async () => {
    const rules = allRules();
    const recorded = new Set(rules.map((rule) => rule.record));
    const named = [...rules.map((rule) => rule.expr), ...dashboardFiles().flatMap(({ dashboard }) => exprsOf(dashboard))].flatMap(
      metricNames,
    );
    const stored = await stack.prometheus.metricNames();
    expect(named.length).toBeGreaterThan(100);
    expect([...new Set(named)].filter((name) => !stored.has(name))).toEqual([]);
    expect([...recorded].filter((name) => name !== undefined && !stored.has(name))).toEqual([]);
  });

  it('has data for every operand of every rule', { timeout: 60_000 }, async () => {
    const operands = allRules().flatMap((rule) => operandsOf(rule.expr).map((operand) => ({ rule: rule.alert ?? rule.record, operand })));
    const empty: unknown[] = [];
    for (const { rule, operand } of operands) if (!hasData(await rangeOf(operand))) empty.push({ rule, operand });
    expect(operands.length).toBeGreaterThan(60);
    expect(empty).toEqual([]);
  });

  it('has data for every query of every panel, and load or a fault moves it off zero', { timeout: 60_000 }, async () => {
    const empty: string[] = [];
    const still: string[] = [];
    const moved: string[] = [];
    for (const { dashboard } of dashboardFiles()) {
      for (const panel of panelsOf(dashboard)) {
        for (const { expr, legendFormat } of panel.targets ?? []) {
          const key = `${panel.title} / ${legendFormat}`;
          const found = await rangeOf(asked(expr));
          if (!hasData(found)) empty.push(`${key}: ${expr}`);
          else if (found.some((series) => series.values.some((value) => value !== 0))) moved.push(key);
          else still.push(key);
        }
      }
    }
    expect(empty).toEqual([]);
    expect(still.filter((key) => !Object.hasOwn(mayStayZero, key))).toEqual([]);
    // An excuse that names no query is a leftover.
    expect(Object.keys(mayStayZero).filter((key) => !still.includes(key) && !moved.includes(key))).toEqual([]);
  });

  it('shows each fault on its panel', { timeout: 60_000 }, async () => {
    const panels = dashboardFiles().flatMap(({ dashboard }) => panelsOf(dashboard));
    const missed: unknown[] = [];
    for (const [title, label, value, seen] of mustShow) {
      const exprs = panels.filter((panel) => panel.title === title).flatMap((panel) => (panel.targets ?? []).map((target) => target.expr));
      const found = (await Promise.all(exprs.map((expr) => rangeOf(asked(expr))))).flat();
      const values = found.filter((series) => (series.labels[label] ?? '') === value).flatMap((series) => series.values);
      if (!values.some((number) => (seen === 'at zero' ? number === 0 : number > 0)))
        missed.push({ title, label, value, seen, found: found.length });
    }
    expect(missed).toEqual([]);
  });

  it('fires the alerts of the faults that need no patience', async () => {
    const firing = await rangeOf('ALERTS{alertstate=~"pending|firing"}');
    const names = new Set(firing.map((series) => series.labels['alertname']));
    expect([...names]).toEqual(
      expect.arrayContaining([
        'HeliosDeadLetters',
        'HeliosBreakersOpen',
        'HeliosProfileStoreDown',
        'HeliosDatabaseDown',
        'HeliosJobDown',
        'HeliosKafkaSilent',
      ]),
    );
    expect(names).not.toContain('HeliosEventsLost');
  });

  it('ends with its terminal, and so does the stack', { timeout: 120_000 }, async () => {
    expect(await stack.stop()).toEqual([0, 0]);
  });
});

const hasData = (found: readonly Series[]): boolean => found.some((series) => series.values.length > 0);

function exprsOf(dashboard: ReturnType<typeof dashboardFiles>[number]['dashboard']): string[] {
  return [
    ...dashboard.annotations.list.map((annotation) => annotation.expr),
    ...panelsOf(dashboard).flatMap((panel) => (panel.targets ?? []).map((target) => target.expr)),
  ];
}

/** Each fault lasts until Prometheus has seen it, and its end is waited for. */
async function loadAndFaults(stack: LiveStack): Promise<void> {
  const { prometheus } = stack;
  await prometheus.until('sum(rate(helios_writer_rows_total[5s])) > 10');
  expect(await refusedRequests(stack.facts())).toEqual([400, 400, expect.any(Number), 415, 405, 404]);
  for (let round = 0; round < 3; round++) await readers(stack.facts());
  expect(await burst(stack.facts(), 100)).toContain(429);
  await poison(stack.facts());
  await prometheus.until(
    'sum by (job) (helios_dead_letters_total{job="bidder"}) > 0 and on () sum(helios_dead_letters_total{job="auction"}) > 0',
  );

  const redis = stack.serverPidOf('redis');
  process.kill(redis, 'SIGSTOP');
  await prometheus
    .until('sum(helios_profile_breakers{state="open"}) > 0 and on () ALERTS{alertname="HeliosProfileStoreDown"}')
    .finally(() => process.kill(redis, 'SIGCONT'));
  await prometheus.until('sum(helios_profile_breakers{state="open"}) == 0 and on () min(helios_profile_store_up) == 1');

  // It comes back within a second: it is killed again until readers have met its absence, and Prometheus has seen that.
  const outage = setInterval(() => {
    const server = stack.facts().children.find((child) => child.name === 'database')?.serverPid ?? null;
    if (server !== null) process.kill(server, 'SIGKILL');
    void readers(stack.facts());
  }, 500);
  await prometheus
    .until('min(helios_database_up{job="writer"}) == 0 and on () sum(rate(helios_api_responses_total{status="5xx"}[5s])) > 0')
    .finally(() => clearInterval(outage));
  await prometheus.until('min(helios_database_up) == 1 and on () sum(rate(helios_writer_rows_total[5s])) > 0');

  process.kill(stack.pidOf('bidder'), 'SIGKILL');
  await prometheus.until('up{job="bidder"} == 0');
  await prometheus.until('up{job="bidder"} == 1 and on () sum(rate(helios_bids_total[5s])) > 0');

  const kafka = stack.serverPidOf('kafka-1');
  process.kill(kafka, 'SIGSTOP');
  try {
    await prometheus.until('sum(rate(bid_requests_total{outcome="ack_timeout"}[5s])) > 0');
    await prometheus.until('sum(rate(helios_kafka_deliveries_total{job="ingest", result="failed"}[5s])) > 0');
    // An ingest that starts without a broker refuses at once.
    process.kill(stack.pidOf('ingest'), 'SIGKILL');
    await prometheus.until('sum(rate(bid_requests_total{outcome="no_broker"}[5s])) > 0');
    await prometheus.until('ALERTS{alertname="HeliosKafkaSilent", job="ingest"}');
  } finally {
    process.kill(kafka, 'SIGCONT');
  }
  // Requests that waited in the stopped broker can leave members in a group that nobody is: they last for their session's time.
  await prometheus.until('sum(rate(helios_writer_rows_total[5s])) > 10', 120_000);
  await readers(stack.facts());
  // What is counted now is in the rates of the scrapes that follow.
  await sleep(4000 * SCRAPE_SECONDS);
}
