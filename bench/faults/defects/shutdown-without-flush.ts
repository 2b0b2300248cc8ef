/** Planted defect "shutdown without flush": the auction's producer answers for what is queued, and is not flushed when the service stops. */
import { startAuction } from '@helios/engine/auction/consumer';
import { auctionFaults, auctionSettings } from '@helios/engine/auction/settings';
import { EventProducer, type ProducerOptions } from '@helios/runtime/kafka/producer';
import { runService } from '@helios/runtime/service';

function neverFlushing(options: ProducerOptions): EventProducer {
  const producer = EventProducer.start(options);
  const sendAll: EventProducer['sendAll'] = producer.sendAll.bind(producer);
  producer.sendAll = async (topic, events, signal) => {
    void sendAll(topic, events, signal);
  };
  producer.close = async () => undefined;
  return producer;
}

await runService({ service: 'auction', schema: auctionSettings, check: auctionFaults }, process.env, (host) =>
  startAuction(host, { startProducer: neverFlushing }),
);
