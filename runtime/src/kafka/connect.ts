import type { Client, KafkaClientEvents } from 'node-rdkafka';

/**
 * Connecting a client, with the reason when it fails. librdkafka's calls say no more than "Broker transport failure"; what stands behind it, a
 * refused login or an unknown certificate authority, it only writes to its log.
 */

/** What to look at, by what the text of a failed connection says; the first that applies. */
const advice: readonly (readonly [RegExp, string])[] = [
  [
    // A broker that hangs up at the first question of a new connection speaks another protocol on that port.
    /security\.protocol|PLAINTEXT broker listener|Invalid response size|Disconnected.* in state APIVERSION_QUERY/,
    'KAFKA_SECURITY_PROTOCOL, and that KAFKA_BROKERS names listeners of that kind',
  ],
  [/SASL/, 'KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD'],
  [/SSL/, 'KAFKA_SSL_CA_LOCATION, and that KAFKA_BROKERS has the names of the certificates'],
];

/** The thread that wrote a line, before the text, and what changes from one attempt to the next, behind it. */
const thread = /^\[thrd:[^\]]*\]: /;
const attempt = / \(after \d+ms in state .*\)$/;

/**
 * Why a connection failed, as a sentence that says what to check where the configuration can be the cause; null for any other line of
 * librdkafka's log. Pure.
 */
export function connectionFault(facility: string, message: string): { readonly sentence: string; readonly advised: boolean } | null {
  if (facility !== 'FAIL') return null;
  const text = message.replace(thread, '').replace(attempt, '').replace(/\.$/, '');
  const check = advice.find(([pattern]) => pattern.test(message))?.[1];
  return { sentence: check === undefined ? text : `${text}. Check ${check}.`, advised: check !== undefined };
}

/** Resolves with null when connected, else with the reason; the client is then of no further use, unless it is connected anew. */
export function connectClient(client: Client<KafkaClientEvents>, timeoutMs: number): Promise<string | null> {
  let fault: ReturnType<typeof connectionFault> = null;
  const listen = (line: { fac: string; message: string }): void => {
    const found = connectionFault(line.fac, line.message);
    // One broker that is down must not hide why another one refuses.
    if (found !== null && (found.advised || fault?.advised !== true)) fault = found;
  };
  client.on('event.log', listen);
  return new Promise((resolve) => {
    client.connect({ timeout: timeoutMs, allTopics: true }, (error: { message: string } | null | undefined) => {
      client.removeListener('event.log', listen);
      resolve(error ? (fault?.sentence ?? error.message) : null);
    });
  });
}
