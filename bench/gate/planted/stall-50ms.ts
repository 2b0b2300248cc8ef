/** Planted slowness "stall-50ms": once a second the event loop of ingest stands still for 50 ms, as under a long garbage collection. */
import { ingestParts, startIngest } from '@helios/engine/ingest/ingest';
import { ingestFaults, ingestSettings } from '@helios/engine/ingest/settings';
import { runService } from '@helios/runtime/service';

const STALL_MS = 50;
const EVERY_MS = 1000;

await runService({ service: 'ingest', schema: ingestSettings, check: ingestFaults }, process.env, (host) =>
  startIngest(host, {
    startProducer: (options) => {
      setInterval(() => {
        const endMonoMs = performance.now() + STALL_MS;
        while (performance.now() < endMonoMs);
      }, EVERY_MS).unref();
      return ingestParts.startProducer(options);
    },
  }),
);
