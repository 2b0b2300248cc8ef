import { nextBidRequest } from '@helios/scripts/bid-request-mix';
import { SeededRandom } from '@helios/scripts/random';

/** Bodies for the bench of parsing, with what must come of each. Pure. */

export const parseMixes = ['short', 'openrtb', 'mixed'] as const;
/** `mixed`: half of each shape, and one in twenty broken in one of five ways, as exchanges' traffic is now and then. */
export type ParseMix = (typeof parseMixes)[number];

export interface ParseCase {
  readonly body: Buffer;
  /** Null: it must be refused. */
  readonly want: { readonly id: string; readonly slots: number } | null;
  readonly isJson: boolean;
}

const BROKEN_SHARE = 0.05;

/** `count` bodies, always the same ones for a mix. */
export function parseCases(mix: ParseMix, count: number): ParseCase[] {
  const random = new SeededRandom(1);
  return Array.from({ length: count }, () => {
    const shape = mix === 'mixed' ? random.pick(['short', 'openrtb'] as const) : mix;
    const request = nextBidRequest(random, { shape, floors: 'any' });
    if (mix === 'mixed' && random.chance(BROKEN_SHARE)) return broken(random, request);
    const slots = (request['ad_slots'] ?? request['imp']) as unknown[];
    return { body: Buffer.from(JSON.stringify(request)), want: { id: request.id, slots: slots.length }, isJson: true };
  });
}

function broken(random: SeededRandom, request: Readonly<Record<string, unknown>>): ParseCase {
  const text = JSON.stringify(request);
  const { id: _, ...nameless } = request;
  const list = 'ad_slots' in request ? 'ad_slots' : 'imp';
  const [first = {}] = request[list] as object[];
  const refused = (body: string, isJson = true): ParseCase => ({ body: Buffer.from(body), want: null, isJson });
  const ways = [
    () => refused(text.slice(0, text.length >> 1), false),
    () => refused(JSON.stringify(nameless)),
    () => refused(JSON.stringify({ ...request, [list]: [] })),
    () => refused(JSON.stringify({ ...request, [list]: [first, first] })),
    () => refused(JSON.stringify({ ...request, [list]: [{ ...first, floor: -1, bidfloor: -1 }] })),
  ];
  return random.pick(ways)();
}
