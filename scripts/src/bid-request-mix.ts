/**
 * Realistic bid requests from a seed: who visits (users by a power law, half of them with a profile), where (sites by a power law), on what
 * device, and what is for sale (1 to 5 slots in common sizes, with floors). Pure. Source: spec S0.3.
 */
import { userIdAt } from '@helios/profile-svc/mock-profiles';
import { apps, devices, sites, slotSizes } from './bid-request-tables.js';
import type { SeededRandom } from './random.js';

/** Users with an index below this have a profile wherever Helios seeds the store for generated traffic; the others have none. */
export const KNOWN_USERS = 1000;
const UNKNOWN_USERS = 1_000_000;
const TAIL_SITES = 2000;

/**
 * `split`: at most 0.01 or above 0.10 USD CPM, about half each, so that enrichment cannot change whether a slot gets a bid (what accounting
 * needs). `any`: anywhere from 0 to 0.50.
 */
export type Floors = 'split' | 'any';

export interface MixOptions {
  readonly shape: 'short' | 'openrtb';
  readonly floors: Floors;
}

/** A bid request as the JSON value to post; `id` is 32 hexadecimal digits. */
export type GeneratedRequest = { readonly id: string } & Readonly<Record<string, unknown>>;

/** The next bid request of the sequence that `random` stands for. */
export function nextBidRequest(random: SeededRandom, options: MixOptions): GeneratedRequest {
  return options.shape === 'openrtb' ? openRtbRequest(random, options.floors) : shortRequest(random, options.floors);
}

function shortRequest(random: SeededRandom, floors: Floors): GeneratedRequest {
  const id = random.hex(16);
  const user = { id: visitor(random) };
  const domain = siteOf(random).domain;
  const slots = Array.from({ length: slotCount(random) }, (_, index) => {
    const [w, h] = slotSize(random, false);
    return { id: `slot-${index + 1}`, w, h, floor: floorOf(random, floors) };
  });
  return { id, user, site: { domain }, ad_slots: slots };
}

function openRtbRequest(random: SeededRandom, floors: Floors): GeneratedRequest {
  const id = random.hex(16);
  const device = random.pick(devices);
  const inApp = device.mobile && random.chance(0.5);
  const imp = Array.from({ length: slotCount(random) }, (_, index) => impression(random, String(index + 1), device.mobile, floors));
  const place = inApp ? { app: appOf(random) } : { site: sitePage(random) };
  const { mobile: _, ...described } = device;
  return {
    id,
    at: random.chance(0.7) ? 1 : 2,
    tmax: random.pick([100, 120, 150, 200]),
    cur: ['USD'],
    imp,
    ...place,
    device: {
      ...described,
      ip: documentationAddress(random),
      geo: { country: random.pick(['USA', 'GBR', 'DEU', 'FRA', 'JPN', 'BRA', 'IND']) },
    },
    user: { id: visitor(random) },
  };
}

/** One impression: nearly always a banner, by one size or a list of formats; now and then a video, which gets no bid. */
function impression(random: SeededRandom, id: string, mobile: boolean, floors: Floors): Record<string, unknown> {
  const common = { id, bidfloor: floorOf(random, floors), bidfloorcur: 'USD', secure: 1 };
  if (random.chance(0.03)) {
    return { ...common, video: { mimes: ['video/mp4'], minduration: 5, maxduration: 30, protocols: [2, 3], w: 640, h: 360 } };
  }
  const [w, h] = slotSize(random, mobile);
  if (random.chance(0.4)) return { ...common, banner: { w, h, pos: random.pick([0, 1, 3]) } };
  const [otherW, otherH] = slotSize(random, mobile);
  return {
    ...common,
    banner: {
      format: [
        { w, h },
        { w: otherW, h: otherH },
      ],
      pos: random.pick([0, 1, 3]),
    },
  };
}

/** Half of the visits are by users with profiles; in both halves few users make most of the visits. */
function visitor(random: SeededRandom): string {
  const known = random.chance(0.5);
  return userIdAt(known ? random.powerLawIndex(KNOWN_USERS, 2) : KNOWN_USERS + random.powerLawIndex(UNKNOWN_USERS, 2));
}

function slotCount(random: SeededRandom): number {
  const share = random.fraction();
  return share < 0.45 ? 1 : share < 0.7 ? 2 : share < 0.85 ? 3 : share < 0.95 ? 4 : 5;
}

function slotSize(random: SeededRandom, mobile: boolean): readonly [number, number] {
  const list = mobile ? slotSizes.mobile : slotSizes.desktop;
  return list[random.powerLawIndex(list.length, 1.7)] as readonly [number, number];
}

/** A floor in USD CPM with at most four places. */
function floorOf(random: SeededRandom, floors: Floors): number {
  if (floors === 'any') return random.integer(0, 5000) / 10_000;
  if (random.chance(0.5)) return random.integer(0, 100) / 10_000;
  // Mostly just above what anybody bids here, sometimes far above.
  return (1001 + random.powerLawIndex(25_000, 3)) / 10_000;
}

function siteOf(random: SeededRandom): { domain: string; cat: string } {
  if (random.chance(0.8)) return sites[random.powerLawIndex(sites.length, 2.5)] as { domain: string; cat: string };
  const index = random.powerLawIndex(TAIL_SITES, 2);
  return { domain: `blog-${index + 1}.example`, cat: random.pick(sites).cat };
}

function sitePage(random: SeededRandom): Record<string, unknown> {
  const { domain, cat } = siteOf(random);
  return { id: domain, domain, cat: [cat], page: `https://${domain}/${random.hex(4)}`, publisher: { id: `pub-${domain}` } };
}

function appOf(random: SeededRandom): Record<string, unknown> {
  const app = apps[random.powerLawIndex(apps.length, 2)] as (typeof apps)[number];
  return { id: app.bundle, name: app.name, bundle: app.bundle, cat: [app.cat], publisher: { id: `pub-${app.bundle}` } };
}

/** An address of the blocks kept for documentation (RFC 5737): generated data never points at anybody. */
function documentationAddress(random: SeededRandom): string {
  return `${random.pick(['192.0.2', '198.51.100', '203.0.113'])}.${random.integer(1, 254)}`;
}
