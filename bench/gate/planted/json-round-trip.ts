/** Planted slowness "json-round-trip": ingest parses and encodes each body once more than it has to, synchronously. */
import { startIngest } from '@helios/engine/ingest/ingest';
import { ingestFaults, ingestSettings } from '@helios/engine/ingest/settings';
import { EventProducer, type ProducerOptions } from '@helios/runtime/kafka/producer';
import { runService } from '@helios/runtime/service';

function encodingAnew(options: ProducerOptions): EventProducer {
  const producer = EventProducer.start(options);
  const produce: EventProducer['produce'] = producer.produce.bind(producer);
  producer.produce = (topic, key, value, headers, sink, token) =>
    produce(topic, key, Buffer.from(JSON.stringify(JSON.parse(String(value)))), headers, sink, token);
  return producer;
}

await runService({ service: 'ingest', schema: ingestSettings, check: ingestFaults }, process.env, (host) =>
  startIngest(host, { startProducer: encodingAnew }),
);
