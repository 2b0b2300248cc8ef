import { HeliosError } from './errors.js';

/**
 * Configuration from the environment: one schema per service, every fault reported in one message.
 * A schema is an object of fields, `{ ackTimeoutMs: integer({ env: 'INGEST_ACK_TIMEOUT_MS', ... }) }`; the value read keeps the schema's
 * shape. `docs/configuration.md` and `gen/known-variables.ts` are generated from the same schemas.
 */

/** One environment variable: how it is read and what it does. `parse` returns the value or throws an Error that says what it accepts. */
export interface Field<T> {
  readonly env: string;
  readonly fallback: T;
  readonly unit: string;
  readonly accepts: string;
  readonly effect: string;
  readonly secret: boolean;
  readonly parse: (text: string) => T;
}

export type Schema = Readonly<Record<string, Field<unknown>>>;
export type ConfigOf<S extends Schema> = { readonly [K in keyof S]: S[K] extends Field<infer T> ? T : never };

interface Common<T> {
  readonly env: string;
  readonly default: T;
  readonly effect: string;
}

/** A whole number in `min..max`, both ends included. */
export function integer(options: Common<number> & { min: number; max: number; unit: string }): Field<number> {
  const accepts = `a whole number from ${options.min} to ${options.max}`;
  return field(options, options.unit, accepts, (text) => {
    if (!/^-?\d{1,15}$/.test(text)) throw new Error(accepts);
    return inRange(Number(text), options.min, options.max, accepts);
  });
}

/** A decimal number in `min..max`, both ends included. */
export function decimal(options: Common<number> & { min: number; max: number; unit: string }): Field<number> {
  const accepts = `a number from ${options.min} to ${options.max}`;
  return field(options, options.unit, accepts, (text) => {
    if (!/^-?\d{1,15}(\.\d{1,15})?$/.test(text)) throw new Error(accepts);
    return inRange(Number(text), options.min, options.max, accepts);
  });
}

/** A TCP port. */
export function port(options: Common<number>): Field<number> {
  return integer({ ...options, min: 1, max: 65535, unit: 'port' });
}

/** Text that is not empty unless its default is empty. */
export function text(options: Common<string> & { unit?: string; secret?: boolean; pattern?: RegExp; accepts?: string }): Field<string> {
  const accepts = options.accepts ?? (options.default === '' ? 'text, or nothing' : 'text that is not empty');
  const read = field(options, options.unit ?? 'text', accepts, (value) => {
    if (value === '' && options.default !== '') throw new Error(accepts);
    if (options.pattern !== undefined && value !== '' && !options.pattern.test(value)) throw new Error(accepts);
    return value;
  });
  return { ...read, secret: options.secret === true };
}

/** `0`/`1`, `false`/`true`. */
export function flag(options: Common<boolean>): Field<boolean> {
  const accepts = '0 or 1';
  return field(options, 'flag', accepts, (value) => {
    if (value === '1' || value === 'true') return true;
    if (value === '0' || value === 'false') return false;
    throw new Error(accepts);
  });
}

/** One of a closed list of words. */
export function choice<const T extends string>(options: Common<NoInfer<T>> & { values: readonly T[] }): Field<T> {
  const accepts = `one of ${options.values.join(', ')}`;
  return field<T>(options, 'word', accepts, (value) => {
    const found = options.values.find((word) => word === value);
    if (found === undefined) throw new Error(accepts);
    return found;
  });
}

/** `host:port[,host:port...]`. */
export function hostPorts(options: Common<string>): Field<string> {
  const accepts = 'host:port, several separated by commas';
  return field(options, 'addresses', accepts, (value) => {
    for (const address of value.split(',')) {
      const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(address.trim());
      if (match === null || Number(match[2]) < 1 || Number(match[2]) > 65535) throw new Error(accepts);
    }
    return value;
  });
}

export interface LoadOptions<S extends Schema> {
  readonly service: string;
  readonly schema: S;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Names that some Helios service knows; a name under an owned prefix outside this list is a fault. */
  readonly knownVariables: readonly string[];
  /** Combinations that cannot work: sentences, one per fault. */
  readonly check?: (config: ConfigOf<S>) => string[];
}

/** Prefixes of names that belong to Helios: an unknown name under one of them is a misspelling. Source: spec section 2.8. */
export const ownedPrefixes = ['INGEST_', 'BIDDER_', 'AUCTION_', 'WRITER_', 'PROFILE_', 'ANALYTICS_', 'DASHBOARD_', 'LOG_'] as const;

/**
 * Reads a service's configuration.
 * @throws HeliosError CONFIG_INVALID whose message lists every fault: name, what stands there (unless secret), what is accepted.
 */
export function loadConfig<S extends Schema>(options: LoadOptions<S>): ConfigOf<S> {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, definition] of Object.entries(options.schema)) {
    const raw = options.env[definition.env];
    if (raw === undefined) {
      values[name] = definition.fallback;
      continue;
    }
    try {
      values[name] = definition.parse(raw);
    } catch {
      values[name] = definition.fallback;
      const shown = definition.secret ? 'a secret' : raw === '' ? 'empty' : JSON.stringify(raw.slice(0, 80));
      faults.push(`${definition.env} is ${shown}: it accepts ${definition.accepts} (${definition.effect}).`);
    }
  }
  faults.push(...misspelt(options));
  const config = values as ConfigOf<S>;
  // A faulty variable stands at its default here, so that one start tells of impossible combinations too.
  if (options.check !== undefined) faults.push(...options.check(config));
  if (faults.length > 0) {
    const list = faults.map((fault) => `  - ${fault}`).join('\n');
    throw new HeliosError('CONFIG_INVALID', `${options.service} cannot start, ${faults.length} configuration fault(s):\n${list}`, {
      faults,
    });
  }
  return config;
}

function misspelt<S extends Schema>(options: LoadOptions<S>): string[] {
  const known = new Set(options.knownVariables);
  for (const definition of Object.values(options.schema)) known.add(definition.env);
  const faults: string[] = [];
  for (const name of Object.keys(options.env).sort()) {
    if (known.has(name) || !ownedPrefixes.some((prefix) => name.startsWith(prefix))) continue;
    faults.push(`${name} is not a variable of any Helios service: did you mean ${nearest(name, known)}?`);
  }
  return faults;
}

/** The known name with the smallest edit distance: what was probably meant. */
function nearest(name: string, known: ReadonlySet<string>): string {
  let best = '';
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const distance = editDistance(name, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function inRange(value: number, min: number, max: number, accepts: string): number {
  if (value < min || value > max) throw new Error(accepts);
  return value;
}

function field<T>(options: Common<T>, unit: string, accepts: string, parse: (text: string) => T): Field<T> {
  return { env: options.env, fallback: options.default, unit, accepts, effect: options.effect, secret: false, parse };
}
