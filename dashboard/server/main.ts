import { fileURLToPath } from 'node:url';
import { LatencyHistogram } from '@helios/runtime/metrics';
import { runService } from '@helios/runtime/service';
import { buildDashboard, listen } from './server.js';
import { dashboardSettings } from './settings.js';

/** The dashboard's server: static files and the address of the API. The data goes from the API straight to the browser. */
await runService({ service: 'dashboard', schema: dashboardSettings }, process.env, async ({ config, log, metrics }) => {
  const responses = { '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 };
  metrics.counter('helios_dashboard_responses_total', 'Requests by class of their answer.', () => responses, 'status');
  const duration = new LatencyHistogram();
  metrics.histogram('helios_dashboard_request_duration_seconds', 'From the request received to its answer sent.', () => duration);
  const app = await buildDashboard({
    clientFolder: fileURLToPath(new URL('../client', import.meta.url)),
    analyticsApiUrl: config.analyticsApiUrl,
    answered: (status, seconds) => {
      responses[status < 300 ? '2xx' : status < 400 ? '3xx' : status < 500 ? '4xx' : '5xx']++;
      duration.observe(seconds);
    },
  });
  const port = await listen(app, config.bindHost, config.dashboardPort);
  log.info({ url: `http://${config.bindHost}:${port}/`, analyticsApiUrl: config.analyticsApiUrl }, 'dashboard listening');
  return { stop: () => app.close() };
});
