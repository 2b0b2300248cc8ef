/** Planted defect "offset committed before the write": the writer's consumer counts a batch as done when it is handed over. */
import { writerFaults, writerSettings } from '@helios/analytics/writer/settings';
import { startWriter, writerParts } from '@helios/analytics/writer/start';
import { runService } from '@helios/runtime/service';

await runService({ service: 'writer', schema: writerSettings, check: writerFaults }, process.env, (host) =>
  startWriter(host, {
    ...writerParts,
    startConsumer: (options) =>
      writerParts.startConsumer({
        ...options,
        handle: async (batch, signal) => {
          void options.handle(batch, signal);
        },
      }),
  }),
);
