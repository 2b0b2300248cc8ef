/** Planted defect "no unique key": the table of outcomes has no key, and the writer inserts whatever comes. Only for a database of its own. */
import { openDatabase } from '@helios/analytics/db';
import { writerFaults, writerSettings } from '@helios/analytics/writer/settings';
import { startWriter, writerParts } from '@helios/analytics/writer/start';
import { runService } from '@helios/runtime/service';
import { withConflictClause } from './edited-statement.js';

await runService({ service: 'writer', schema: writerSettings, check: writerFaults }, process.env, async (host) => {
  const owner = openDatabase(host.config, { applicationName: 'helios-planted-defect', poolSize: 1, statementTimeoutMs: 10_000 });
  await owner.query({ text: 'alter table auction_outcomes drop constraint auction_outcomes_pkey' }, []);
  await owner.close();
  return startWriter(host, {
    ...writerParts,
    openDatabase: (config, options) => withConflictClause(openDatabase(config, options), ''),
  });
});
