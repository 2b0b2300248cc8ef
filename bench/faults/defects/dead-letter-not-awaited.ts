/** Planted defect "dead-letter write not awaited": the bidder counts a letter as written once it is queued, and commits. */
import { bidderParts, startBidder } from '@helios/engine/bidder/consumer';
import { bidderFaults, bidderSettings } from '@helios/engine/bidder/settings';
import { EventProducer, type ProducerOptions } from '@helios/runtime/kafka/producer';
import { runService } from '@helios/runtime/service';

function sendingUnawaited(options: ProducerOptions): EventProducer {
  const producer = EventProducer.start(options);
  const send: EventProducer['send'] = producer.send.bind(producer);
  producer.send = async (topic, key, value, headers) => {
    void send(topic, key, value, headers);
  };
  return producer;
}

await runService({ service: 'bidder', schema: bidderSettings, check: bidderFaults }, process.env, (host) =>
  startBidder(host, { ...bidderParts, startProducer: sendingUnawaited }),
);
