/**
 * Planted defect "unique key, but spend added twice": the insert returns every row of the batch, stored before or not (an upsert that
 * changes nothing), so the rollups count the batch instead of what was stored.
 */
import { openDatabase } from '@helios/analytics/db';
import { writerFaults, writerSettings } from '@helios/analytics/writer/settings';
import { startWriter, writerParts } from '@helios/analytics/writer/start';
import { runService } from '@helios/runtime/service';
import { withConflictClause } from './edited-statement.js';

await runService({ service: 'writer', schema: writerSettings, check: writerFaults }, process.env, (host) =>
  startWriter(host, {
    ...writerParts,
    openDatabase: (config, options) =>
      withConflictClause(openDatabase(config, options), 'on conflict (bid_id) do update set bid_id = excluded.bid_id'),
  }),
);
