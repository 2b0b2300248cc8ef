import { randomInt } from 'node:crypto';
import { nextBidRequest } from './bid-request-mix.js';
import { HttpPoster } from './http-poster.js';
import { sendOpenLoop } from './open-loop.js';
import { SeededRandom } from './random.js';

/** The gentle stream of generated bids that `npm start` sends to itself. */
export interface Traffic {
  /** Ends the stream and waits for the answers still owed. */
  stop(): Promise<void>;
}

/** Posts `perSecond` fresh requests a second to `url`, half short form, half OpenRTB; refused or unanswered ones are not repeated. */
export function startTraffic(url: string, perSecond: number): Traffic {
  const poster = new HttpPoster(url, 16, 5000);
  const stopped = new AbortController();
  const running = sendOpenLoop({
    items: endlessBodies(),
    perSecond,
    maxInFlight: Math.max(100, perSecond),
    send: async (body) => void (await poster.post(body)),
    signal: stopped.signal,
  });
  return {
    stop: async () => {
      stopped.abort();
      await running;
      poster.close();
    },
  };
}

function* endlessBodies(): Generator<string> {
  const random = new SeededRandom(randomInt(2 ** 47));
  for (;;) yield JSON.stringify(nextBidRequest(random, { shape: random.chance(0.5) ? 'openrtb' : 'short', floors: 'split' }));
}
