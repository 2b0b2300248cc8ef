import type { DashboardSpec } from './dashboard.js';
import { quantileOf, quantiles, rate, series } from './panel.js';

/** The processes, Node, PostgreSQL and the analytics API. Pure. */

export const services: DashboardSpec = {
  uid: 'helios-services',
  title: 'Helios services',
  description: 'The processes with their event loops, garbage collection, memory and CPU; PostgreSQL and the analytics API.',
  rows: [
    {
      title: 'Processes',
      panels: [
        {
          title: 'Instances that answer',
          description: 'Targets of Prometheus that answered its last scrape, by role.',
          unit: 'short',
          queries: [['{{job}}', `sum by (job) (${series('up')})`]],
          alerts: ['HeliosJobDown', 'HeliosInstanceDown'],
        },
        {
          title: 'Running for',
          description: 'Time since each process started. A line that falls back is a start.',
          unit: 's',
          queries: [['{{job}} {{instance}}', `time() - ${series('process_start_time_seconds')}`]],
          alerts: ['HeliosRestartLoop'],
        },
        {
          title: 'Versions',
          description: 'Instances by version of Helios and of Node. Two at once are a deployment under way.',
          unit: 'short',
          queries: [['{{version}} on Node {{node}}', `count by (version, node) (${series('helios_build_info')})`]],
        },
        {
          title: 'CPU',
          description: 'Cores used by each process, all its threads together.',
          unit: 'none',
          width: 12,
          queries: [['{{job}} {{instance}}', rate('process_cpu_seconds_total')]],
        },
        {
          title: 'Resident memory',
          description: 'Memory of each process. Every service stays below 250 MB, the line.',
          unit: 'decbytes',
          width: 12,
          queries: [['{{job}} {{instance}}', series('process_resident_memory_bytes')]],
          thresholds: { red: 250_000_000 },
          alerts: ['HeliosMemoryHigh'],
        },
      ],
    },
    {
      title: 'Node',
      panels: [
        {
          title: 'Event-loop delay, p99',
          description:
            'How late 1 of 100 turns of the event loop comes, since the last scrape. A timer of 10 ms measures it: about 10 ms is a loop at rest.',
          unit: 's',
          queries: [['{{job}} {{instance}}', series('nodejs_eventloop_lag_p99_seconds')]],
          thresholds: { orange: 0.05, red: 0.1 },
          alerts: ['HeliosEventLoopBlocked'],
        },
        {
          title: 'Event loop busy',
          description: 'Share of the time in which the main thread works. At 100 % a process takes no more, whatever its CPU says.',
          unit: 'percentunit',
          queries: [['{{job}} {{instance}}', rate('helios_event_loop_busy_seconds_total')]],
          thresholds: { orange: 0.7, red: 0.9 },
        },
        {
          title: 'Garbage collection',
          description: 'Share of the time spent in it, by kind, over the chosen processes’ main threads.',
          unit: 'percentunit',
          queries: [['{{job}} {{kind}}', `sum by (job, kind) (${rate('nodejs_gc_duration_seconds_sum')})`]],
        },
        {
          title: 'Heap used',
          description: 'JavaScript heap of the main thread. A saw tooth is healthy; a floor that rises is not.',
          unit: 'bytes',
          queries: [['{{job}} {{instance}}', series('nodejs_heap_size_used_bytes')]],
        },
        {
          title: 'Memory outside of the heap',
          description: 'Buffers and other memory that JavaScript objects hold.',
          unit: 'bytes',
          queries: [['{{job}} {{instance}}', series('nodejs_external_memory_bytes')]],
        },
        {
          title: 'Open files and sockets',
          description: 'File descriptors of each process.',
          unit: 'short',
          queries: [['{{job}} {{instance}}', series('process_open_fds')]],
        },
      ],
    },
    {
      title: 'PostgreSQL',
      panels: [
        {
          title: 'Database up',
          description: '1 while PostgreSQL answered when it was last asked, for writer and API.',
          unit: 'short',
          queries: [['{{job}} {{instance}}', `min by (job, instance) (${series('helios_database_up')})`]],
          thresholds: { red: 1, below: true },
          alerts: ['HeliosDatabaseDown'],
        },
        {
          title: 'Statements that failed',
          description: 'Because PostgreSQL was away or refused work. The writer tries again, the API answers 503.',
          unit: 'short',
          queries: [['{{job}}', `sum by (job) (${rate('helios_database_faults_total')})`]],
        },
        {
          title: 'Connections',
          description: 'Of the pool of each role: busy, idle, and requests that wait for one.',
          unit: 'short',
          queries: [['{{job}} {{state}}', `sum by (job, state) (${series('helios_database_pool_connections')})`]],
        },
        {
          title: 'Duration of statements, p99',
          description: 'By role.',
          unit: 's',
          queries: [['{{job}}', quantileOf(0.99, 'helios_database_query_duration_seconds', '', 'job')]],
        },
        {
          title: 'Duration of a batch at the writer',
          description: 'From a batch taken to all its rows stored, waits included.',
          unit: 's',
          queries: quantiles('helios_writer_batch_duration_seconds'),
        },
        {
          title: 'Rows stored',
          description: 'New rows of outcomes, per second, by whether the bid won; without test bids.',
          unit: 'short',
          stacked: true,
          queries: [['win {{win}}', `sum by (win) (${rate('helios_outcomes_total')})`]],
        },
        {
          title: 'Maintenance',
          description: 'Days folded into sums, and rows removed past their retention.',
          unit: 'short',
          queries: [
            ['days folded', `sum(increase(${series('helios_writer_days_folded_total')}[$__rate_interval]))`],
            ['rows removed', `sum(increase(${series('helios_writer_rows_removed_total')}[$__rate_interval]))`],
          ],
        },
      ],
    },
    {
      title: 'Analytics API and dashboard',
      panels: [
        {
          title: 'API: answers by status',
          description: 'Requests by class of their answer.',
          unit: 'reqps',
          stacked: true,
          queries: [['{{status}}', `sum by (status) (${rate('helios_api_responses_total')})`]],
        },
        {
          title: 'API: share of 5xx',
          description: 'The line is 1 %.',
          unit: 'percentunit',
          queries: [['5xx', `sum(${rate('helios_api_responses_total', 'status="5xx"')}) / sum(${rate('helios_api_responses_total')})`]],
          thresholds: { red: 0.01 },
          alerts: ['HeliosApiErrors'],
        },
        {
          title: 'API: p99 by route',
          description: 'From the request received to its answer sent. Exports (csv) last as long as their client takes.',
          unit: 's',
          queries: [['{{route}}', quantileOf(0.99, 'helios_api_request_duration_seconds', '', 'route')]],
          thresholds: { orange: 0.02, red: 0.1 },
          alerts: ['HeliosApiSlow'],
        },
        {
          title: 'API: in flight',
          description: 'Requests that are being answered.',
          unit: 'short',
          queries: [['{{instance}}', `sum by (instance) (${series('helios_api_requests_in_flight')})`]],
        },
        {
          title: 'API: exports',
          description: 'CSV exports by how they ended, and those that are being sent.',
          unit: 'short',
          queries: [
            ['{{result}}', `sum by (result) (increase(${series('helios_api_exports_total')}[$__rate_interval]))`],
            ['running', `sum(${series('helios_api_exports_running')})`],
          ],
        },
        {
          title: 'API: limited',
          description: 'Requests answered 429.',
          unit: 'reqps',
          queries: [['429', `sum(${rate('helios_api_rate_limited_total')})`]],
        },
        {
          title: 'Dashboard: answers by status',
          description: 'Of the server of the advertiser dashboard.',
          unit: 'reqps',
          stacked: true,
          queries: [['{{status}}', `sum by (status) (${rate('helios_dashboard_responses_total')})`]],
        },
      ],
    },
    {
      title: 'Logs and scrapes',
      panels: [
        {
          title: 'Log lines left out',
          description: 'Sampled lines that LOG_SAMPLE_RATE or LOG_MAX_PER_SECOND left out, per second.',
          unit: 'short',
          queries: [['{{job}} {{event}}', `sum by (job, event) (${rate('helios_log_lines_left_out_total')})`]],
        },
        {
          title: 'Duration of scrapes',
          description:
            'How long Prometheus waits for /metrics. Reading the metrics holds an event loop up for less than 1 ms; the rest is waiting.',
          unit: 's',
          queries: [['{{job}}', `max by (job) (${series('scrape_duration_seconds')})`]],
        },
        {
          title: 'Samples in a scrape',
          description: 'Label values are closed lists: the number stays the same, whatever the traffic.',
          unit: 'short',
          queries: [['{{job}}', `max by (job) (${series('scrape_samples_scraped')})`]],
        },
      ],
    },
  ],
};
