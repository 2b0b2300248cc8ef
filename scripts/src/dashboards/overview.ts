import type { DashboardSpec } from './dashboard.js';
import { type PanelSpec, quantileOf, quantiles, type Query, rate, series } from './panel.js';

/** Is Helios well, how fast is it, and what became of the requests? Pure. */

const PROCESSING = 'request_processing_duration_seconds';
/** What ingest answers 503; the same list as in rules/slo.yml. */
const REFUSED = 'overloaded|no_broker|ack_timeout|ack_failed|stopping';
const FAULTY = 'invalid|too_large|unsupported_encoding|not_found|method_not_allowed';

/** The stages of a bid in the order in which it passes them: title, histogram, matchers, and what it spans. */
const stages: readonly (readonly [title: string, histogram: string, labels: string, spans: string])[] = [
  [
    'ingest: before produce',
    'helios_ingest_own_seconds',
    'part="before_produce"',
    'from the first look at a request until it was handed to the producer',
  ],
  ['ingest: ack wait', 'helios_ingest_ack_wait_seconds', '', "from `produce` returned to the broker's delivery report"],
  ['ingest: after report', 'helios_ingest_own_seconds', 'part="after_report"', 'from the delivery report to the end of the answer'],
  ['bidder: profile lookup', 'helios_profile_rpc_duration_seconds', '', 'one call for all users of a batch'],
  ['bidder: price', 'helios_bidder_stage_duration_seconds', 'stage="price"', 'a batch in its worker: parse, profiles, price, encode'],
  ['bidder: publish', 'helios_bidder_stage_duration_seconds', 'stage="publish"', 'bids of a batch produced and acknowledged'],
  ['accepted to bid', 'helios_accepted_to_bid_seconds', '', 'from the request accepted by ingest to its bids acknowledged'],
  ['auction: decide', 'helios_auction_stage_duration_seconds', 'stage="decide"', 'a batch decoded, decided and encoded'],
  ['auction: publish', 'helios_auction_stage_duration_seconds', 'stage="publish"', 'outcomes of a batch produced and acknowledged'],
  ['accepted to outcome', 'helios_accepted_to_outcome_seconds', '', 'from the request accepted by ingest to its outcome acknowledged'],
  ['writer: read', 'helios_writer_stage_duration_seconds', 'stage="read"', 'a batch decoded and checked'],
  ['writer: store', 'helios_writer_stage_duration_seconds', 'stage="store"', 'a batch inserted with its rollups, in one transaction'],
  ['accepted to row', 'helios_accepted_to_row_seconds', '', 'from the request accepted by ingest to its row stored'],
];

const burnWindows = ['5m', '1h', '6h', '3d'] as const;

function burnRate(slo: string): PanelSpec {
  return {
    title: `Burn rate: ${slo}`,
    description: `How many times faster than allowed the ${slo} budget is used up, over four windows. 1 uses it up in just its period; 6 and 14.4 page.`,
    unit: 'none',
    width: 8,
    queries: burnWindows.map((window) => [window, `job:slo_burn_rate:ratio_rate${window}{slo="${slo}", job=~"$job"}`]),
    thresholds: { orange: 1, red: 6 },
    alerts: ['BurnFast', 'Burn', 'BurnSlow'].map((end) => `Helios${slo.charAt(0).toUpperCase()}${slo.slice(1)}${end}`),
  };
}

function budgetLeft(slo: string): PanelSpec {
  return {
    kind: 'number',
    title: `Budget left: ${slo}`,
    description: `What is left of the ${slo} budget of the last three days. Below 0 % the objective is missed.`,
    unit: 'percentunit',
    width: 4,
    queries: [['left', `1 - job:slo_burn_rate:ratio_rate3d{slo="${slo}", job=~"$job"}`]],
    thresholds: { orange: 0.25, red: 0, below: true },
  };
}

function stagePanel([title, histogram, labels, spans]: (typeof stages)[number]): PanelSpec {
  return { title, description: `Quantiles of the time ${spans}.`, unit: 's', width: 6, height: 6, queries: quantiles(histogram, labels) };
}

function heatmap(title: string, histogram: string, description: string): PanelSpec {
  const buckets: Query = ['{{le}}', `sum by (le) (increase(${series(`${histogram}_bucket`)}[$__rate_interval]))`];
  return { kind: 'heatmap', title, description, unit: 's', width: 12, queries: [buckets] };
}

/** The steps from a request to money, each with the counter that counts it. */
const funnel: readonly (readonly [step: string, counter: string, labels: string])[] = [
  ['1 requests accepted', 'bid_requests_total', 'outcome="accepted"'],
  ['2 ad slots', 'helios_ad_slots_total', ''],
  ['3 bids', 'helios_bids_total', ''],
  ['4 outcomes', 'helios_auctions_total', ''],
  ['5 wins', 'helios_auction_wins_total', ''],
  ['6 rows stored', 'helios_writer_rows_total', 'result="inserted"'],
];

const perSecond = ([step, counter, labels]: (typeof funnel)[number]): Query => [step, `sum(${rate(counter, labels)})`];
const overRange = ([step, counter, labels]: (typeof funnel)[number]): Query => [
  step,
  `sum(increase(${series(counter, labels)}[$__range]))`,
];
const spend = rate('helios_writer_spend_usd_total');

export const overview: DashboardSpec = {
  uid: 'helios-overview',
  title: 'Helios overview',
  description: 'Objectives, requests, latency by stage, and the way from a request to spend.',
  rows: [
    {
      title: 'Objectives of POST /bid',
      panels: [
        budgetLeft('availability'),
        budgetLeft('latency'),
        {
          kind: 'number',
          title: 'p99 now',
          description: 'p99 of POST /bid, from the first look at a request to the end of its answer. The line is 25 ms.',
          unit: 's',
          width: 4,
          queries: [['p99', quantileOf(0.99, PROCESSING)]],
          thresholds: { orange: 0.01, red: 0.025 },
        },
        {
          kind: 'number',
          title: 'Within 25 ms',
          description: 'Share of answers that took at most 25 ms; the objective is 99 %.',
          unit: 'percentunit',
          width: 4,
          queries: [['share', `sum(${rate(`${PROCESSING}_bucket`, 'le="0.025"')}) / sum(${rate(`${PROCESSING}_count`)})`]],
          thresholds: { orange: 0.999, red: 0.99, below: true },
        },
        {
          kind: 'number',
          title: 'Accepted',
          description: 'Bid requests that were answered 202 and are durable in Kafka, per second.',
          unit: 'reqps',
          width: 4,
          queries: [['accepted', `sum(${rate('bid_requests_total', 'outcome="accepted"')})`]],
        },
        {
          kind: 'number',
          title: 'Alerts',
          description: 'Alerts that fire now. No data means none.',
          unit: 'none',
          width: 4,
          queries: [['firing', 'count(ALERTS{alertstate="firing", job=~"$job"})']],
          thresholds: { red: 1 },
        },
        burnRate('availability'),
        burnRate('latency'),
        {
          title: 'POST /bid against 25 ms',
          description:
            'Quantiles of the time from the first look at a bid request to the end of its answer, whatever the answer. The line is the objective.',
          unit: 's',
          queries: quantiles(PROCESSING),
          thresholds: { red: 0.025 },
          alerts: ['HeliosLatencyBurnFast'],
        },
      ],
    },
    {
      title: 'Requests, errors, duration',
      panels: [
        {
          title: 'Requests by outcome',
          description: 'What became of the requests to the ingest port. Every request counts once.',
          unit: 'reqps',
          stacked: true,
          queries: [['{{outcome}}', `sum by (outcome) (${rate('bid_requests_total')})`]],
          alerts: ['HeliosAvailabilityBurnFast'],
        },
        {
          title: 'Answered 503',
          description: 'Share of the requests that should have been accepted and were answered 503. The line is the objective, 0.1 %.',
          unit: 'percentunit',
          queries: [
            [
              '{{outcome}}',
              `sum by (outcome) (${rate('bid_requests_total', `outcome=~"${REFUSED}"`)}) / ignoring (outcome) group_left () sum(${rate('bid_requests_total', `outcome=~"accepted|${REFUSED}"`)})`,
            ],
          ],
          thresholds: { red: 0.001 },
          alerts: ['HeliosAvailabilityBurn'],
        },
        {
          title: 'Refused as the client’s fault',
          description: 'Requests answered 4xx, and those that the client gave up (aborted). No objective counts them.',
          unit: 'reqps',
          queries: [['{{outcome}}', `sum by (outcome) (${rate('bid_requests_total', `outcome=~"${FAULTY}|aborted"`)})`]],
        },
      ],
    },
    {
      title: 'Latency',
      panels: [
        heatmap('POST /bid', PROCESSING, 'How many answers took how long. Two bands are two ways through the code, or one slow broker.'),
        heatmap('Accepted to row', 'helios_accepted_to_row_seconds', 'From the request accepted by ingest to its row in PostgreSQL.'),
        {
          title: 'p99 by stage',
          description:
            'The p99 of every stage in one graph: the highest line is where the time goes. Batches of consumers wait for each other, so sums say little.',
          unit: 's',
          width: 24,
          queries: stages.map(([title, histogram, labels]) => [title, quantileOf(0.99, histogram, labels)]),
        },
        ...stages.map(stagePanel),
      ],
    },
    {
      title: 'From request to spend',
      panels: [
        {
          title: 'Per second',
          description:
            'Each step of the way, per second. A step that falls behind the one before it is the one to look at: slots without a bid and lost auctions are in the next graphs.',
          unit: 'short',
          width: 12,
          queries: funnel.map(perSecond),
          alerts: ['HeliosWriterStoresNothing'],
        },
        {
          kind: 'bars',
          title: 'In the chosen time',
          description: 'The same steps, summed over the time range of the dashboard.',
          unit: 'short',
          width: 12,
          queries: funnel.map(overRange),
        },
        {
          title: 'Bid rate and win rate',
          description: 'Bids per ad slot, and wins per bid.',
          unit: 'percentunit',
          width: 6,
          queries: [
            ['bid rate', `sum(${rate('helios_bids_total')}) / sum(${rate('helios_ad_slots_total')})`],
            ['win rate', `sum(${rate('helios_auction_wins_total')}) / sum(${rate('helios_auctions_total')})`],
          ],
        },
        {
          title: 'No bid, by reason',
          description: 'Ad slots that get no bid by rule.',
          unit: 'short',
          width: 6,
          stacked: true,
          queries: [['{{reason}}', `sum by (reason) (${rate('helios_no_bids_total')})`]],
        },
        {
          title: 'Spend an hour',
          description: 'What the stored wins cost, at the present rate, without test bids.',
          unit: 'currencyUSD',
          width: 6,
          queries: [['spend', `sum(${spend}) * 3600`]],
        },
        {
          title: 'eCPM',
          description: 'What a thousand wins cost, without test bids.',
          unit: 'currencyUSD',
          width: 6,
          queries: [['eCPM', `1000 * sum(${spend}) / sum(${rate('helios_outcomes_total', 'win="true"')})`]],
        },
      ],
    },
  ],
};
