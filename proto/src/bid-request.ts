/**
 * The body of `POST /bid`, parsed, validated and normalised: ingest runs this before it accepts a request, the bidder
 * runs it again on every message, so both agree on what a request is and how many slots it has.
 *
 * Two shapes go in, the Helios short form (`ad_slots`) and OpenRTB 2.5/2.6 (`imp`); one type comes out. Attributes that
 * Helios reads are checked here for type and bounds; what OpenRTB demands of all other objects stands in
 * openrtb-rules.ts. Unknown attributes pass. It refuses with a value, never an exception, and costs time linear in the body.
 *
 * Source: spec section 2.2; OpenRTB 2.6, 3.2.
 */
import { currenciesFault, idFault, notText, numberFault, objectFault, sizeFault, textFault } from './field-checks.js';
import { decodeObject, isObject } from './json-object.js';
import type { JsonObject } from './json-object.js';
import { toMicros } from './money.js';
import { bidRequestRules, brokenRule, impRules, isMissing, isPresent } from './openrtb-rules.js';
import { faultAt, under, withSentence } from './request-fault.js';
import type { RequestFault } from './request-fault.js';
import { DOMAIN_MAX_BYTES, ID_MAX_BYTES } from './storable.js';

export type { RequestFault, RequestFaultCode } from './request-fault.js';

/** Impressions in one request. Source: spec section 2.2. */
export const SLOTS_MAX = 100;

export interface AdSlot {
  id: string;
  /** False when the impression offers no banner. */
  banner: boolean;
  /** Width and height in device-independent pixels; 0 = none given. */
  w: number;
  h: number;
  /** The least price that may win, in micros of USD CPM (rounded up), in whatever currency `floorInUsd` leaves open. */
  floorMicros: number;
  /** The floor's currency is absent or USD. */
  floorInUsd: boolean;
}

export interface BidRequest {
  id: string;
  /** `user.id`, else `user.buyeruid`, else null. */
  userId: string | null;
  /** `site.domain`, else `app.bundle`, else `dooh.id`, else ''. */
  siteDomain: string;
  /** `test` is 1: the auction is not billable. */
  test: boolean;
  /** `at` when it is 1 (first price) or 2 (second price), else null. */
  auctionType: 1 | 2 | null;
  /** `cur` is absent, empty or names USD. */
  usdAllowed: boolean;
  /** `tmax` in milliseconds, or null. */
  tmaxMs: number | null;
  slots: AdSlot[];
}

export type ParsedRequest = { ok: true; request: BidRequest } | { ok: false; fault: RequestFault };

/**
 * Parses and validates one request body (UTF-8 JSON, either shape). The first fault found is the one reported.
 * Never throws. Source: spec section 2.2.
 */
export function parseBidRequest(body: Uint8Array): ParsedRequest {
  const decoded = decodeObject(body);
  if (!decoded.ok) return { ok: false, fault: withSentence(faultAt('', decoded.code, decoded.predicate)) };
  const slots: AdSlot[] = [];
  const fault = requestFault(decoded.object, slots);
  if (fault !== null) return { ok: false, fault: withSentence(fault) };
  return { ok: true, request: normalised(decoded.object, slots) };
}

/** The first fault of the request, or null; reads its slots into `slots` on the way. */
function requestFault(request: JsonObject, slots: AdSlot[]): RequestFault | null {
  return (
    idFault(request.id) ??
    slotsFault(request, slots) ??
    numberFault('/at', request.at, -Infinity) ??
    numberFault('/test', request.test, -Infinity) ??
    numberFault('/tmax', request.tmax, 0) ??
    currenciesFault(request.cur) ??
    inventoryFault(request) ??
    userFault(request.user) ??
    brokenRule(request, bidRequestRules)
  );
}

/** The one type both shapes become. Only for a request without a fault: that is what makes the casts true. */
function normalised(request: JsonObject, slots: AdSlot[]): BidRequest {
  const user = request.user as JsonObject | null | undefined;
  const { at, cur, tmax } = request as { at?: unknown; cur?: string[] | null; tmax?: number | null };
  return {
    id: request.id as string,
    userId: textOf(user?.id) || textOf(user?.buyeruid) || null,
    siteDomain: siteDomainOf(request),
    test: request.test === 1,
    auctionType: at === 1 || at === 2 ? at : null,
    usdAllowed: !cur || cur.length === 0 || cur.includes('USD'),
    tmaxMs: tmax ?? null,
    slots,
  };
}

function siteDomainOf(request: JsonObject): string {
  const { site, app, dooh } = request as Record<string, JsonObject | null | undefined>;
  return textOf(site?.domain) || textOf(app?.bundle) || textOf(dooh?.id);
}

/** Checks the impressions in whichever shape they come and reads them into `slots`. */
function slotsFault(request: JsonObject, slots: AdSlot[]): RequestFault | null {
  const { imp, ad_slots: adSlots } = request;
  if (!isPresent(adSlots)) return listFault('/imp', imp, slots, impFault);
  if (isPresent(imp)) {
    return faultAt('/ad_slots', 'conflict', 'stands beside imp: send either OpenRTB impressions or the short form, not both');
  }
  return listFault('/ad_slots', adSlots, slots, adSlotFault);
}

type SlotReader = (item: JsonObject, slots: AdSlot[]) => RequestFault | null;

function listFault(field: string, items: unknown, slots: AdSlot[], read: SlotReader): RequestFault | null {
  if (isMissing(items)) return faultAt(field, 'missing', `is missing or empty: send 1 to ${SLOTS_MAX} impressions as imp or ad_slots`);
  if (!Array.isArray(items)) return faultAt(field, 'wrong_type', 'is not an array: send an array of objects');
  if (items.length > SLOTS_MAX) return faultAt(field, 'too_long', `has ${items.length} items: send at most ${SLOTS_MAX} in one request`);
  // A set, not an object: an id such as "__proto__" is ordinary data.
  const seen = new Set<string>();
  for (let i = 0; i < items.length; i++) {
    const item: unknown = items[i];
    if (!isObject(item)) return faultAt(`${field}/${i}`, 'wrong_type', 'is not an object: send one object for each impression');
    const fault = idFault(item.id) ?? (seen.has(item.id as string) ? duplicateFault() : read(item, slots));
    if (fault !== null) return under(`${field}/${i}`, fault);
    seen.add(item.id as string);
  }
  return null;
}

/** Checks one OpenRTB impression and reads it as a slot. Source: OpenRTB 2.6, 3.2.4, 3.2.6, 3.2.10. */
function impFault(imp: JsonObject, slots: AdSlot[]): RequestFault | null {
  const { banner, bidfloor, bidfloorcur } = imp;
  const fault =
    formatsFault(imp) ??
    numberFault('/bidfloor', bidfloor, 0) ??
    (isPresent(bidfloorcur) && typeof bidfloorcur !== 'string' ? notText('/bidfloorcur') : null) ??
    (isObject(banner) ? bannerFault(banner) : null) ??
    brokenRule(imp, impRules);
  if (fault !== null) return fault;
  const offersBanner = isObject(banner);
  const size = offersBanner ? sizeSource(banner) : null;
  slots.push({
    id: imp.id as string,
    banner: offersBanner,
    w: size === null ? 0 : pixels(size.w),
    h: size === null ? 0 : pixels(size.h),
    floorMicros: floorOf(bidfloor),
    floorInUsd: bidfloorcur === 'USD' || !bidfloorcur,
  });
  return null;
}

/** Checks one slot of the short form, a banner of `w` x `h` with its floor in USD, and reads it. Source: spec section 2.2. */
function adSlotFault(slot: JsonObject, slots: AdSlot[]): RequestFault | null {
  const fault = sizeFault(slot) ?? numberFault('/floor', slot.floor, 0);
  if (fault !== null) return fault;
  slots.push({
    id: slot.id as string,
    banner: true,
    w: pixels(slot.w),
    h: pixels(slot.h),
    floorMicros: floorOf(slot.floor),
    floorInUsd: true,
  });
  return null;
}

/** An impression offers at least one of the four formats, each an object. Source: OpenRTB 2.6, 3.1 and 3.2.4. */
function formatsFault(imp: JsonObject): RequestFault | null {
  const { banner, video, audio, native } = imp;
  if (!isPresent(banner) && !isPresent(video) && !isPresent(audio) && !isPresent(native)) {
    return faultAt(
      '',
      'missing',
      'offers no format: OpenRTB 2.6, 3.1 requires at least one of banner, video, audio and native, so send one',
    );
  }
  return objectFault('/banner', banner) ?? objectFault('/video', video) ?? objectFault('/audio', audio) ?? objectFault('/native', native);
}

function bannerFault(banner: JsonObject): RequestFault | null {
  const { format } = banner;
  let fault = sizeFault(banner);
  if (fault === null && isPresent(format)) {
    if (!Array.isArray(format)) fault = faultAt('/format', 'wrong_type', 'is not an array: send an array of sizes');
    else if (format.length > 0) fault = formatFault(format[0]);
  }
  return fault === null ? null : under('/banner', fault);
}

function formatFault(first: unknown): RequestFault | null {
  if (!isObject(first)) return faultAt('/format/0', 'wrong_type', 'is not an object: send a size with w and h');
  const fault = sizeFault(first);
  return fault === null ? null : under('/format/0', fault);
}

/** The object whose `w` and `h` count: the first format, else the banner. */
function sizeSource(banner: JsonObject): JsonObject {
  const formats = banner.format as JsonObject[] | null | undefined;
  return formats?.[0] ?? banner;
}

/** At most one of site, app and dooh. Source: OpenRTB 2.6, 3.2.1, 3.2.13, 3.2.14 and 3.2.32. */
function inventoryFault(request: JsonObject): RequestFault | null {
  const { site, app, dooh } = request;
  const second = isPresent(dooh) && (isPresent(site) || isPresent(app)) ? '/dooh' : isPresent(app) && isPresent(site) ? '/app' : null;
  if (second !== null)
    return faultAt(second, 'conflict', 'is one too many: OpenRTB 2.6, 3.2.1 allows one of site, app and dooh, so send one');
  return (
    objectFault('/site', site) ??
    objectFault('/app', app) ??
    objectFault('/dooh', dooh) ??
    (isObject(site) ? textFault('/site/domain', site.domain, DOMAIN_MAX_BYTES) : null) ??
    (isObject(app) ? textFault('/app/bundle', app.bundle, DOMAIN_MAX_BYTES) : null) ??
    (isObject(dooh) ? textFault('/dooh/id', dooh.id, DOMAIN_MAX_BYTES) : null)
  );
}

function userFault(user: unknown): RequestFault | null {
  if (!isObject(user)) return objectFault('/user', user);
  return textFault('/user/id', user.id, ID_MAX_BYTES) ?? textFault('/user/buyeruid', user.buyeruid, ID_MAX_BYTES);
}

function duplicateFault(): RequestFault {
  return faultAt(
    '/id',
    'duplicate',
    'repeats the id of an earlier impression: OpenRTB 2.6, 3.2.4 makes ids unique within a request, so send another',
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function pixels(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function floorOf(value: unknown): number {
  return typeof value === 'number' ? toMicros(value, 'up') : 0;
}
