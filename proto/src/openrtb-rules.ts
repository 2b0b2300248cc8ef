/**
 * What OpenRTB 2.6 demands of the objects in a bid request, as tables: which attributes are *required*, which ones
 * exclude each other, and where the next object with a rule stands. Objects without a rule (Banner, Format, Regs,
 * Publisher, Producer, Geo, Data, Segment, Network, Channel, EID, UID, Refresh ...) are not walked at all, and neither
 * is anything under `ext`, nor a value of another type than the text gives it: nobody here reads those, and real
 * exchanges break types where nobody looks. *Should* rules are not errors.
 *
 * What Helios itself reads (ids, formats, floors, sizes ...) is checked in bid-request.ts.
 * Source: OpenRTB 2.6, 3.2; spec section 2.2.
 */
import { isObject } from './json-object.js';
import type { JsonObject } from './json-object.js';
import { faultAt, under } from './request-fault.js';
import type { RequestFault } from './request-fault.js';

export interface ObjectRules {
  /** Where the OpenRTB 2.6 text defines the object. */
  readonly section: string;
  /** Must be there, and be neither null, an empty string nor an empty array. */
  readonly required: readonly string[];
  /** At most one attribute of each pair may be there (null counts as absent). */
  readonly exclusive: readonly (readonly [string, string])[];
  /** Attributes that hold one object with rules of its own. */
  readonly objects: readonly (readonly [string, ObjectRules])[];
  /** Attributes that hold an array of objects with rules of their own. */
  readonly arrays: readonly (readonly [string, ObjectRules])[];
  /** A rule that fits none of the above. */
  readonly check: ((object: JsonObject) => RequestFault | null) | null;
}

/** The first rule that `object`, or an object below it, breaks; null when it keeps them all. Linear in its size. */
export function brokenRule(object: JsonObject, rules: ObjectRules): RequestFault | null {
  for (const attribute of rules.required) {
    if (isMissing(object[attribute])) return missing(attribute, rules);
  }
  for (const [one, other] of rules.exclusive) {
    if (isPresent(object[one]) && isPresent(object[other])) return excludes(one, other, rules);
  }
  if (rules.check !== null) {
    const fault = rules.check(object);
    if (fault !== null) return fault;
  }
  for (const [attribute, childRules] of rules.objects) {
    const child = object[attribute];
    if (!isObject(child)) continue;
    const fault = brokenRule(child, childRules);
    if (fault !== null) return under(`/${attribute}`, fault);
  }
  for (const [attribute, itemRules] of rules.arrays) {
    const items = object[attribute];
    if (!Array.isArray(items)) continue;
    const fault = brokenItemRule(items, itemRules);
    if (fault !== null) return under(`/${attribute}`, fault);
  }
  return null;
}

/** A required attribute counts as missing when it is absent, null, an empty string or an empty array. */
export function isMissing(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

/** An attribute that is not required is there unless it is absent or null. */
export function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function brokenItemRule(items: readonly unknown[], rules: ObjectRules): RequestFault | null {
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    if (!isObject(item)) continue;
    const fault = brokenRule(item, rules);
    if (fault !== null) return under(`/${i}`, fault);
  }
  return null;
}

function missing(attribute: string, rules: ObjectRules): RequestFault {
  return faultAt(`/${attribute}`, 'missing', `is missing or empty: OpenRTB 2.6, ${rules.section} requires it, so send a value`);
}

function excludes(one: string, other: string, rules: ObjectRules): RequestFault {
  return faultAt(
    `/${other}`,
    'conflict',
    `stands beside ${one}: OpenRTB 2.6, ${rules.section} allows only one of the two, so leave one out`,
  );
}

/** Rules of one object, with every table there so that all of them have one shape. */
function rulesOf(section: string, rules: Partial<Omit<ObjectRules, 'section'>>): ObjectRules {
  return {
    section,
    required: rules.required ?? [],
    exclusive: rules.exclusive ?? [],
    objects: rules.objects ?? [],
    arrays: rules.arrays ?? [],
    check: rules.check ?? null,
  };
}

/**
 * The text requires either bound "but not both". Its introduction prices a closed range, 1 to 15 seconds, which one object can then not
 * express; the rule is what counts.
 */
function oneDurationBound(durFloors: JsonObject): RequestFault | null {
  const { mindur, maxdur } = durFloors;
  if (isPresent(mindur) !== isPresent(maxdur)) return null;
  return isPresent(mindur)
    ? faultAt('/maxdur', 'conflict', 'stands beside mindur: OpenRTB 2.6, 3.2.35 allows only one of the two, so leave one out')
    : faultAt('', 'missing', 'has neither mindur nor maxdur: OpenRTB 2.6, 3.2.35 requires one of the two, so send it');
}

/** Source type 1 is a measurement vendor, who must then be named. */
function namedVendor(qty: JsonObject): RequestFault | null {
  if (qty.sourcetype !== 1 || !isMissing(qty.vendor)) return null;
  return faultAt('/vendor', 'missing', 'is missing or empty: OpenRTB 2.6, 3.2.31 requires it when sourcetype is 1, so send it');
}

const keywordsOnce = ['keywords', 'kwarray'] as const;
const durationsOnce = [
  ['minduration', 'rqddurs'],
  ['maxduration', 'rqddurs'],
] as const;

const metric = rulesOf('3.2.5', { required: ['type', 'value'] });
const durFloors = rulesOf('3.2.35', { check: oneDurationBound });
const video = rulesOf('3.2.7', { required: ['mimes'], exclusive: durationsOnce, arrays: [['durfloors', durFloors]] });
const audio = rulesOf('3.2.8', { required: ['mimes'], exclusive: durationsOnce, arrays: [['durfloors', durFloors]] });
const native = rulesOf('3.2.9', { required: ['request'] });
const deal = rulesOf('3.2.12', { required: ['id'], arrays: [['durfloors', durFloors]] });
const pmp = rulesOf('3.2.11', { arrays: [['deals', deal]] });
const qty = rulesOf('3.2.31', { required: ['multiplier'], check: namedVendor });
const content = rulesOf('3.2.16', { exclusive: [keywordsOnce] });
const site = rulesOf('3.2.13', { exclusive: [keywordsOnce], objects: [['content', content]] });
const app = rulesOf('3.2.14', { exclusive: [keywordsOnce], objects: [['content', content]] });
// DOOH has `keywords` and no `kwarray` in the text: one sent there is an unknown attribute, which passes.
const dooh = rulesOf('3.2.32', { objects: [['content', content]] });
const user = rulesOf('3.2.20', { exclusive: [keywordsOnce] });
const brandVersion = rulesOf('3.2.30', { required: ['brand'] });
const userAgent = rulesOf('3.2.29', { objects: [['platform', brandVersion]], arrays: [['browsers', brandVersion]] });
const device = rulesOf('3.2.18', { objects: [['sua', userAgent]] });
const supplyChainNode = rulesOf('3.2.26', { required: ['asi', 'sid'] });
const supplyChain = rulesOf('3.2.25', { required: ['complete', 'nodes', 'ver'], arrays: [['nodes', supplyChainNode]] });
const source = rulesOf('3.2.2', { objects: [['schain', supplyChain]] });

/** Everything below one impression. Its own id and the four formats are read, and so checked, in bid-request.ts. */
export const impRules = rulesOf('3.2.4', {
  objects: [
    ['video', video],
    ['audio', audio],
    ['native', native],
    ['pmp', pmp],
    ['qty', qty],
  ],
  arrays: [['metric', metric]],
});

/** Everything below the request but its impressions. */
export const bidRequestRules = rulesOf('3.2.1', {
  objects: [
    ['site', site],
    ['app', app],
    ['dooh', dooh],
    ['user', user],
    ['device', device],
    ['source', source],
  ],
});
