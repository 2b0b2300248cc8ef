import type { AuctionOutcome } from '@helios/proto/events';
import { headerNames } from '@helios/proto/topics';
import { headerText } from '@helios/runtime/kafka/headers';
import type { Database } from '../src/db.js';
import { insertOutcomes } from '../src/writer/insert-outcomes.js';
import { readOutcomes } from '../src/writer/outcome-batch.js';
import { message } from './outcomes.js';

/** Stores outcomes of any time, as the writer does but without its window; an outcome's latency by its index, null: not known. */
export async function storeOutcomes(
  database: Database,
  events: readonly AuctionOutcome[],
  latencyMsOf: (index: number) => number | null = () => 25,
): Promise<void> {
  const messages = events.map((event, index) => {
    const latencyMs = latencyMsOf(index);
    const accepted = latencyMs === null ? {} : { [headerNames.acceptedAt]: String(Date.parse(event.timestamp) - latencyMs) };
    return message(event, index, accepted);
  });
  for (let at = 0; at < messages.length; at += 500) {
    const { batch } = readOutcomes(messages.slice(at, at + 500), { nowUnixMs: 0, retentionMs: 0, header: headerText });
    await insertOutcomes(database, batch);
  }
}
