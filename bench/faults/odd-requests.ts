import { randomBytes } from 'node:crypto';
import { headerNames } from '@helios/proto/topics';
import { nested, type PlantedMessage } from './poison-messages.js';

/** Good requests that are close to poison. */

const SLOT = 'slot-1';
/** Near the bound of 1 MB, with room for a letter's headers. */
const LARGE_VALUE_BYTES = 990_000;

/** A good request that looks like poison: everything in it that is odd stands where unknown attributes pass untouched. */
export interface OddRequest extends PlantedMessage {
  readonly id: string;
  readonly slots: readonly { readonly id: string; readonly expectation: 'bid' }[];
}

/** Each of them is a bid like any other. Their headers ask for a log line, so that what is logged is odd, too. Source: spec sections 2.2, 2.8. */
export function oddRequests(prefix: string, nowUnixMs: number): OddRequest[] {
  const texts = [
    `"version":"99.0","helios":{"schema":7}`,
    `"x":${nested('[', ']')}`,
    `"x":${nested('{"x":', '}')}`,
    `"__proto__":{"id":null,"ad_slots":null},"constructor":{"prototype":{}},"toString":0,"hasOwnProperty":1`,
    `"x":[1e400,-1e400,${'9'.repeat(1000)},1e-400]`,
    `"x":"\\u0000\\ud800\\udfff"`,
    `"x":"${'y'.repeat(LARGE_VALUE_BYTES - 1000)}"`,
  ];
  return texts.map((odd, index) => {
    const id = `${prefix}${index}`;
    const good = JSON.stringify({ id, ad_slots: [{ id: SLOT, w: 300, h: 250 }] }).slice(0, -1);
    const traceparent = `00-${randomBytes(16).toString('hex')}-00f067aa0ba902b7-01`;
    return {
      id,
      topic: 'bidRequests',
      key: Buffer.from(id),
      value: Buffer.from(`${good},${odd}}`),
      headers: [{ [headerNames.acceptedAt]: String(nowUnixMs) }, { [headerNames.traceparent]: traceparent }],
      slots: [{ id: SLOT, expectation: 'bid' }],
    };
  });
}

/**
 * A valid request that takes forty times its size as parsed JSON: more than a worker with the smallest heap has. V8 gives an object with the
 * index 34 an array of elements, and one of 288 bytes, where it takes a table for any larger index.
 */
export function deadlyRequest(id: string): PlantedMessage {
  const head = `{"id":${JSON.stringify(id)},"ad_slots":[{"id":"${SLOT}","w":300,"h":250}],"x":`;
  const depth = Math.floor((LARGE_VALUE_BYTES - head.length) / 7);
  return { topic: 'bidRequests', key: Buffer.from(id), value: Buffer.from(`${head}${'{"34":'.repeat(depth)}0${'}'.repeat(depth)}}`) };
}

/** A request of five slots of which one has the given id: its outcomes stand side by side in one batch of the writer. */
export function requestWithSlot(id: string, slotId: string): OddRequest {
  const slotIds = ['a', 'b', slotId, 'c', 'd'];
  return {
    id,
    topic: 'bidRequests',
    key: Buffer.from(id),
    value: Buffer.from(JSON.stringify({ id, ad_slots: slotIds.map((slot) => ({ id: slot, w: 300, h: 250 })) })),
    slots: slotIds.map((slot) => ({ id: slot, expectation: 'bid' })),
  };
}
