import { headerNames, topicDefaults } from '@helios/proto/topics';
import { isLetter } from '@helios/runtime/kafka/dead-letters';
import type { Message } from 'node-rdkafka';
import { type FoundLetter, UNKNOWN_SLOT } from './accounting/identity.js';
import type { StartOffsets, TopicReader } from './topic-reader.js';

/** Dead letters as the accounting counts them. */

/**
 * Reads every dead letter from the given offsets on; null: all that the broker keeps.
 * @returns the letters; those whose slot cannot be told (a message that is no event) stand under `UNKNOWN_SLOT`.
 * @throws Error when the broker does not answer, or no longer keeps what is asked for.
 */
export async function readDeadLetters(reader: TopicReader, from: StartOffsets | null = null): Promise<FoundLetter[]> {
  const { bidRequestsTopic, deadLettersTopic } = reader.kafka;
  const letters: FoundLetter[] = [];
  const { gone } = await reader.read(deadLettersTopic, from, (message) => {
    // The notes of replays stand in the same topic.
    if (isLetter(message)) letters.push(letterOf(message, bidRequestsTopic));
  });
  if (gone.length > 0) throw new Error(`the broker no longer keeps all dead letters of ${deadLettersTopic} since the start of the run`);
  return letters;
}

/** A letter from the topic of bid requests stands for all slots of its request; a later one for the slot that its event names. */
export function letterOf(message: Message, bidRequestsTopic: string): FoundLetter {
  const header = (name: string) => {
    const entry = message.headers?.find((candidate) => name in candidate);
    return entry === undefined ? '' : String(entry[name]);
  };
  const sourceTopic = header(headerNames.sourceTopic) || topicDefaults.KAFKA_TOPIC_BID_REQUESTS;
  return {
    sourceTopic,
    sourcePartition: Number(header(headerNames.sourcePartition)),
    sourceOffset: Number(header(headerNames.sourceOffset)),
    requestId: message.key?.toString() ?? '',
    slotId: sourceTopic === bidRequestsTopic ? null : slotOf(message.value),
  };
}

function slotOf(value: Buffer | null): string {
  try {
    const slot = (JSON.parse(String(value)) as { slot_id?: unknown } | null)?.slot_id;
    return typeof slot === 'string' && slot !== '' ? slot : UNKNOWN_SLOT;
  } catch {
    return UNKNOWN_SLOT; // not even JSON: that may be why it is here
  }
}
