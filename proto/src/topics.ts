/** The topics of the bid's path: the only place where their names stand. Source: spec section 2.1. */
export const topicDefaults = {
  KAFKA_TOPIC_BID_REQUESTS: 'bid_requests',
  KAFKA_TOPIC_BID_RESPONSES: 'bid_responses',
  KAFKA_TOPIC_AUCTION_OUTCOMES: 'auction_outcomes',
  KAFKA_TOPIC_DEAD_LETTERS: 'dead_letters',
} as const;

/** Consumer groups, one per reading service. Source: spec section 2.1. */
export const groupDefaults = {
  bidder: 'helios-bidder',
  auction: 'helios-auction',
  writer: 'helios-analytics',
} as const;

/** Header names of every event and of dead letters. Values are UTF-8 text. */
export const headerNames = {
  /** Unix milliseconds when ingest took the body; copied along every hop. */
  acceptedAt: 'helios-accepted-at',
  /** W3C trace context, present when the request carried one. */
  traceparent: 'traceparent',
  /** Dead letters only: where the message stood, why it is here, and who gave it up. */
  sourceTopic: 'helios-source-topic',
  sourcePartition: 'helios-source-partition',
  sourceOffset: 'helios-source-offset',
  errorCode: 'helios-error-code',
  errorText: 'helios-error-text',
  stage: 'helios-stage',
  /** The value's length, when the letter had to leave it out because it would not fit. */
  omittedBytes: 'helios-omitted-bytes',
} as const;

/** What the `dead-letters` program adds to what it writes. */
export const replayHeaderNames = {
  /** On a message put back to its topic, and on its new letter when it failed again: the place it stood at before, `topic:partition:offset`. */
  replayedFrom: 'helios-replayed-from',
  /** On a record of the dead-letter topic that is no letter but the program's note of what it replayed: `begun` or `ended`. */
  replayNote: 'helios-replay-note',
} as const;

/** The stages that can give a message up. */
export type Stage = 'bidder' | 'auction' | 'writer';
