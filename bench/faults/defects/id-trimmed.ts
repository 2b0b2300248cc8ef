/** Planted defect "id trimmed at 64 characters": what ingest writes carries the first 64 characters of the request's id. */
import { startIngest } from '@helios/engine/ingest/ingest';
import { ingestFaults, ingestSettings } from '@helios/engine/ingest/settings';
import { EventProducer, type ProducerOptions } from '@helios/runtime/kafka/producer';
import { runService } from '@helios/runtime/service';

const ID_MAX_CHARS = 64;

function trimmingIds(options: ProducerOptions): EventProducer {
  const producer = EventProducer.start(options);
  const produce: EventProducer['produce'] = producer.produce.bind(producer);
  producer.produce = (topic, _key, value, headers, sink, token) => {
    const request = JSON.parse(String(value)) as { id: string };
    const id = request.id.slice(0, ID_MAX_CHARS);
    return produce(topic, id, Buffer.from(JSON.stringify({ ...request, id })), headers, sink, token);
  };
  return producer;
}

await runService({ service: 'ingest', schema: ingestSettings, check: ingestFaults }, process.env, (host) =>
  startIngest(host, { startProducer: trimmingIds }),
);
