// A consumer for crash.int.test.ts to kill: tells its parent each batch it got; batches end at random while `go` lasts, then hang.
import pino from 'pino';
import { Health } from '../../dist/admin-server.js';
import { BatchConsumer } from '../../dist/kafka/consumer.js';
import { Metrics } from '../../dist/metrics.js';

const { kafka, topic, groupId, hangAfter, seed } = JSON.parse(process.argv[2]);
// A test that failed before it killed this process leaves nothing behind.
process.on('disconnect', () => process.exit(1));
let random = seed;
const nextDelayMs = () => {
  random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fffffff;
  return random % 40;
};
let begun = 0;

await BatchConsumer.start({
  kafka,
  topic,
  groupId,
  batchMaxMessages: 10,
  maxBatchesInFlight: 4,
  lingerMs: 1,
  handle: async (batch) => {
    begun++;
    // The last batch before the end hangs at once: what follows it may end, and must not be committed.
    if (begun === hangAfter) await new Promise(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, nextDelayMs()));
    process.send(batch.map((message) => Number(message.value.toString())));
  },
  log: pino({ level: 'silent' }),
  metrics: new Metrics('crashing', '1'),
  health: new Health(),
  fail: (error) => {
    throw error;
  },
});
