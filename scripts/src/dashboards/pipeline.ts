import type { DashboardSpec } from './dashboard.js';
import { quantileOf, quantiles, rate, series } from './panel.js';

/** Does every hop keep up, what waits for Kafka, what was given up, and do profiles arrive? Pure. */

export const pipeline: DashboardSpec = {
  uid: 'helios-pipeline',
  title: 'Helios pipeline',
  description: 'Lag and losses of every hop, what is produced to Kafka, dead letters, profiles and circuit breakers.',
  rows: [
    {
      title: 'Consumers',
      panels: [
        {
          title: 'Lag in seconds',
          description:
            'Age of the oldest event that a role has not finished, on its worst partition. It goes on growing while nothing is fetched.',
          unit: 's',
          queries: [['{{job}}', `max by (job) (${series('helios_consumer_lag_seconds')})`]],
          thresholds: { orange: 10, red: 60 },
          alerts: ['HeliosConsumerLagHigh', 'HeliosConsumerLagGrows'],
        },
        {
          title: 'Lag in messages',
          description: 'Messages of the topic that the role has not committed yet, over all partitions.',
          unit: 'short',
          queries: [['{{job}}', `sum by (job) (${series('helios_consumer_lag_messages')})`]],
        },
        {
          title: 'Lag by partition',
          description:
            'Messages not yet committed on each partition. One that stands out has a batch that does not succeed, or a key that everybody sends.',
          unit: 'short',
          queries: [['{{job}} {{partition}}', `sum by (job, partition) (${series('helios_consumer_lag_messages')})`]],
        },
        {
          title: 'Messages consumed',
          description: 'Messages taken from the topic, per second.',
          unit: 'short',
          queries: [['{{job}}', `sum by (job) (${rate('helios_consumed_messages_total')})`]],
        },
        {
          title: 'Batches in flight',
          description: 'Batches that are being handled. At its bound a role waits for what it writes to.',
          unit: 'short',
          queries: [['{{job}} {{instance}}', `sum by (job, instance) (${series('helios_consumer_batches_in_flight')})`]],
        },
        {
          title: 'Consumers held back',
          description:
            'Share of the time in which a role takes nothing, because its batches in flight are at their bound or its output has no room.',
          unit: 'percentunit',
          queries: [['{{job}} {{reason}}', `sum by (job, reason) (${rate('helios_consumer_held_back_seconds_total')})`]],
        },
        {
          title: 'Partitions and rebalances',
          description: 'Partitions that each instance owns, and how often they changed hands.',
          unit: 'short',
          queries: [
            ['{{job}} {{instance}} owns', `sum by (job, instance) (${series('helios_consumer_partitions')})`],
            ['{{job}} rebalances', `sum by (job) (increase(${series('helios_rebalances_total')}[$__rate_interval]))`],
          ],
        },
        {
          title: 'Retries of batches',
          description: 'Batches handled again after a fault. Nothing is committed until one succeeds.',
          unit: 'short',
          queries: [['{{job}}', `sum by (job) (increase(${series('helios_batch_retries_total')}[$__rate_interval]))`]],
        },
        {
          title: 'Commits that failed',
          description: 'Offset commits that failed and were tried again. After a crash these messages come once more; nothing is lost.',
          unit: 'short',
          queries: [['{{job}}', `sum by (job) (increase(${series('helios_commit_failures_total')}[$__rate_interval]))`]],
        },
        {
          title: 'Events lost',
          description: 'Events that the broker dropped before they were consumed, since the service started. Anything but 0 is lost data.',
          unit: 'short',
          queries: [['{{job}}', `sum by (job) (${series('helios_events_lost_total')})`]],
          thresholds: { red: 1 },
          alerts: ['HeliosEventsLost'],
        },
      ],
    },
    {
      title: 'Kafka',
      panels: [
        {
          title: 'Deliveries',
          description: 'Delivery reports of the broker, per second, by result.',
          unit: 'short',
          queries: [['{{job}} {{result}}', `sum by (job, result) (${rate('helios_kafka_deliveries_total')})`]],
        },
        {
          title: 'Deliveries that failed',
          description: 'Share of the events that the broker did not acknowledge in time.',
          unit: 'percentunit',
          queries: [
            [
              '{{job}}',
              `sum by (job) (${rate('helios_kafka_deliveries_total', 'result="failed"')}) / sum by (job) (${rate('helios_kafka_deliveries_total')})`,
            ],
          ],
          thresholds: { red: 0.01 },
          alerts: ['HeliosDeliveryFailures'],
        },
        {
          title: 'Acknowledgement wait of ingest',
          description: 'From an event handed to the producer to its delivery report: linger, network and broker.',
          unit: 's',
          queries: quantiles('helios_ingest_ack_wait_seconds'),
        },
        {
          title: 'Produce queue',
          description: 'Events queued and not yet acknowledged.',
          unit: 'short',
          queries: [['{{job}} {{instance}}', `sum by (job, instance) (${series('helios_kafka_produce_queue_messages')})`]],
        },
        {
          title: 'Produce queue, share of its bound',
          description: 'At 100 % ingest answers 503 and consumers wait.',
          unit: 'percentunit',
          queries: [
            [
              '{{job}} {{instance}}',
              `${series('helios_kafka_produce_queue_messages')} / ${series('helios_kafka_produce_queue_limit_messages')}`,
            ],
          ],
          thresholds: { red: 0.8 },
          alerts: ['HeliosProduceQueueNearlyFull'],
        },
        {
          title: 'Ingest in flight, share of its bound',
          description: 'Requests whose delivery report is owed, of INGEST_MAX_IN_FLIGHT. At 100 % ingest answers 503.',
          unit: 'percentunit',
          queries: [['{{instance}}', `${series('helios_ingest_in_flight')} / ${series('helios_ingest_in_flight_limit')}`]],
          thresholds: { red: 0.8 },
          alerts: ['HeliosIngestNearlyFull'],
        },
        {
          title: 'Events refused by the producer',
          description: 'Events that were not even queued, by reason. Ingest answers them 503; consumers wait and try again.',
          unit: 'short',
          queries: [['{{job}} {{reason}}', `sum by (job, reason) (${rate('helios_kafka_refusals_total')})`]],
        },
        {
          title: 'Brokers heard of',
          description: '1 while a broker showed life within 10 s.',
          unit: 'short',
          queries: [['{{job}} {{instance}}', `min by (job, instance) (${series('helios_kafka_connected')})`]],
          thresholds: { red: 1, below: true },
          alerts: ['HeliosKafkaSilent'],
        },
        {
          title: 'Round trip to the brokers',
          description: 'Mean and p99 of requests of the producer to its brokers, as librdkafka measures them.',
          unit: 's',
          queries: [['{{job}} {{statistic}}', `max by (job, statistic) (${series('helios_kafka_broker_round_trip_seconds')})`]],
        },
        {
          title: 'Requests to brokers in trouble',
          description: 'Requests of the Kafka client that were tried again or got no answer in time.',
          unit: 'short',
          queries: [['{{job}} {{kind}}', `sum by (job, kind) (${rate('helios_kafka_request_troubles_total')})`]],
        },
        {
          title: 'Backlog of the fullest partition',
          description:
            'Unconsumed bytes of the topic that a role writes to, where KAFKA_BACKLOG_MAX_BYTES guards it (the embedded broker); no data elsewhere.',
          unit: 'bytes',
          queries: [['{{job}}', `max by (job) (${series('helios_kafka_backlog_bytes')})`]],
        },
      ],
    },
    {
      title: 'Given up',
      panels: [
        {
          title: 'Dead letters',
          description: 'Messages that no retry can mend, by reason.',
          unit: 'short',
          queries: [['{{job}} {{code}}', `sum by (job, code) (increase(${series('helios_dead_letters_total')}[$__rate_interval]))`]],
          thresholds: { red: 1 },
          alerts: ['HeliosDeadLetters'],
        },
        {
          title: 'Invalid messages',
          description: 'Messages on a topic that are no valid bid request or bid response. Each ends as a dead letter.',
          unit: 'short',
          queries: [
            ['bid requests', `sum(increase(${series('helios_invalid_requests_total')}[$__rate_interval]))`],
            ['bid responses', `sum(increase(${series('helios_invalid_bid_responses_total')}[$__rate_interval]))`],
          ],
        },
        {
          title: 'Outcomes at the writer',
          description:
            'Outcomes by what became of them. Duplicates are repeats after a crash or a client’s retry; conflicting ones differ from the row that is stored.',
          unit: 'short',
          queries: [['{{result}}', `sum by (result) (${rate('helios_writer_rows_total')})`]],
        },
      ],
    },
    {
      title: 'Profiles',
      panels: [
        {
          title: 'Bids by enrichment',
          description: 'Bids with a profile (enriched) and without (plain). About half of generated users have one.',
          unit: 'short',
          stacked: true,
          queries: [['{{profile}}', `sum by (profile) (${rate('helios_bids_total')})`]],
        },
        {
          title: 'Lookups by result',
          description:
            'Profile lookups of the bidder, one a batch. deadline: too late; rejected: a breaker is open; none: no user in the batch.',
          unit: 'short',
          queries: [['{{result}}', `sum by (result) (${rate('helios_profile_rpc_total')})`]],
        },
        {
          title: 'Duration of lookups',
          description: 'As the bidder sees them. The deadline is PROFILE_TIMEOUT_MS, 100 ms.',
          unit: 's',
          queries: quantiles('helios_profile_rpc_duration_seconds'),
          thresholds: { red: 0.1 },
        },
        {
          title: 'Circuit breakers',
          description: 'Breakers by state, one a worker. Open ones spare a profile-svc that fails; they close by themselves.',
          unit: 'short',
          queries: [['{{state}}', `sum by (state) (${series('helios_profile_breakers')})`]],
          alerts: ['HeliosBreakersOpen'],
        },
        {
          title: 'Breakers that opened',
          description: 'How often a breaker opened; short openings show here though no scrape saw them.',
          unit: 'short',
          queries: [['{{job}}', `sum by (job) (increase(${series('helios_profile_breaker_openings_total')}[$__rate_interval]))`]],
          alerts: ['HeliosBreakersOpen'],
        },
        {
          title: 'Calls to profile-svc',
          description: 'Calls answered by profile-svc, by result.',
          unit: 'short',
          queries: [['{{result}}', `sum by (result) (${rate('helios_profile_requests_total')})`]],
        },
        {
          title: 'p99 of profile-svc by method',
          description: 'From a call to its answer, as profile-svc sees it. No data for a method that nobody calls.',
          unit: 's',
          queries: [['{{method}}', quantileOf(0.99, 'helios_profile_request_duration_seconds', '', 'method')]],
          thresholds: { red: 0.005 },
        },
        {
          title: 'Reads from the store',
          description: 'Duration of one pipelined read from Redis. No data on the store in memory.',
          unit: 's',
          queries: quantiles('helios_profile_store_read_duration_seconds'),
        },
        {
          title: 'Users looked up',
          description: 'What the store had: found, unknown, or corrupt (which counts as unknown, and is logged).',
          unit: 'short',
          queries: [['{{result}}', `sum by (result) (${rate('helios_profile_lookups_total')})`]],
        },
        {
          title: 'Profile store',
          description: '1 while the store answered when it was last asked.',
          unit: 'short',
          queries: [['{{instance}}', `min by (instance) (${series('helios_profile_store_up')})`]],
          thresholds: { red: 1, below: true },
          alerts: ['HeliosProfileStoreDown'],
        },
        {
          title: 'Reads that the store did not answer',
          description: 'By reason; the probe of every second is one of them.',
          unit: 'short',
          queries: [['{{reason}}', `sum by (reason) (${rate('helios_profile_store_failures_total')})`]],
        },
      ],
    },
  ],
};
