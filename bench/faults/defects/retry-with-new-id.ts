/** Planted defect "retry with a new id": a bid gets a random id each time it is made, so a request handled again makes other bids. */
import { randomUUID } from 'node:crypto';
import { bidderParts, startBidder } from '@helios/engine/bidder/consumer';
import { bidderFaults, bidderSettings } from '@helios/engine/bidder/settings';
import { EventProducer, type OutgoingEvent, type ProducerOptions } from '@helios/runtime/kafka/producer';
import { runService } from '@helios/runtime/service';

function numberingAnew(options: ProducerOptions): EventProducer {
  const producer = EventProducer.start(options);
  const sendAll: EventProducer['sendAll'] = producer.sendAll.bind(producer);
  producer.sendAll = (topic, events, signal) => sendAll(topic, events.map(withNewId), signal);
  return producer;
}

/** Dead letters, which are no bids, stay as they are. */
function withNewId(event: OutgoingEvent): OutgoingEvent {
  const bid = JSON.parse(String(event.value)) as Record<string, unknown>;
  return 'bid_id' in bid ? { ...event, value: Buffer.from(JSON.stringify({ ...bid, bid_id: randomUUID() })) } : event;
}

await runService({ service: 'bidder', schema: bidderSettings, check: bidderFaults }, process.env, (host) =>
  startBidder(host, { ...bidderParts, startProducer: numberingAnew }),
);
