import type { PostedRequest } from '@helios/scripts/accounting/identity';
import { nextBidRequest } from '@helios/scripts/bid-request-mix';
import { SeededRandom } from '@helios/scripts/random';
import { slotsOfBody } from '@helios/scripts/replay-input';

/** Generated bid requests whose id can be put in without encoding them anew: what a load sends should cost it next to nothing. Pure. */
export interface BidTemplate {
  readonly beforeId: string;
  readonly afterId: string;
  readonly bytesWithoutId: number;
  readonly slots: PostedRequest['slots'];
}

/** `mixed`: both shapes, about half each. */
export type BodyShape = 'short' | 'openrtb' | 'mixed';

const MARK = 'ID-GOES-HERE';

/** The first `count` bodies of the sequence that `seed` stands for, with floors that accounting needs: at most 0.01 or above 0.10. Source: spec section 5. */
export function bidTemplates(seed: number, count: number, shape: BodyShape): BidTemplate[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, () => {
    const chosen = shape === 'mixed' ? (random.chance(0.5) ? 'openrtb' : 'short') : shape;
    const request = nextBidRequest(random, { shape: chosen, floors: 'split' });
    const text = JSON.stringify({ ...request, id: MARK });
    const [beforeId = '', afterId = ''] = text.split(MARK);
    const bytesWithoutId = Buffer.byteLength(beforeId) + Buffer.byteLength(afterId);
    return { beforeId, afterId, bytesWithoutId, slots: slotsOfBody(text)?.slots ?? [] };
  });
}

/** A whole HTTP request. @param id ASCII. */
export function postText(path: string, { beforeId, afterId, bytesWithoutId }: BidTemplate, id: string): string {
  return `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${bytesWithoutId + id.length}\r\n\r\n${beforeId}${id}${afterId}`;
}
