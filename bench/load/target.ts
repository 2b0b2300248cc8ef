import { UsageError } from '@helios/scripts/cli';

/** Where a load goes. */
export interface Target {
  readonly host: string;
  readonly port: number;
  /** Path and query. */
  readonly path: string;
}

const loopback = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * Reads the address of a load's target. Loads go to this machine only: pointed at another one by mistake they would be an attack on it.
 * @throws UsageError for anything but http on loopback.
 */
export function loopbackTarget(flag: string, value: string): Target {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url === null || url.protocol !== 'http:') {
    throw new UsageError(`${flag} is ${JSON.stringify(value)}: it accepts an address such as http://127.0.0.1:8080/bid.`);
  }
  if (!loopback.has(url.hostname)) {
    throw new UsageError(`${flag} names ${url.hostname}: load goes to this machine only (127.0.0.1, localhost or [::1]).`);
  }
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80), path: `${url.pathname}${url.search}` };
}
