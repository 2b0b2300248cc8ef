/** What a fault proxy does to the connections that go through it. Absent: healthy, every byte is passed on as it comes. */
export type Fault =
  /** The listener is closed: the kernel refuses new connections; existing ones are reset. */
  | { readonly kind: 'refuse' }
  /** Existing connections are reset (RST), and every new one right after it was accepted. */
  | { readonly kind: 'reset' }
  /** Existing connections hang in both directions; new ones are accepted and not connected through. */
  | ({ readonly kind: 'blackhole' } & Holding)
  /**
   * What comes in the direction (bytes, end or reset of the connection) is accepted, up to a bound and then by backpressure, and not passed
   * on. Connections stay open; new ones are connected through and hang alike. `down` alone loses the answers of requests that arrived.
   */
  | ({ readonly kind: 'hang'; readonly direction?: Direction } & Holding)
  /** Each chunk leaves `latencyMs` after it came, give or take `jitterMs` (default 0), in order. */
  | ({
      readonly kind: 'latency';
      readonly direction?: Direction;
      readonly latencyMs: number;
      readonly jitterMs?: number;
      readonly seed?: number;
    } & Holding)
  /** Every write carries at most `sliceBytes` (default 1), each after the one before went to the kernel. */
  | ({ readonly kind: 'slice'; readonly direction?: Direction; readonly sliceBytes?: number } & Holding)
  /** All connections of the proxy share a link of `bytesPerSecond` in each direction that is hit. */
  | ({ readonly kind: 'bandwidth'; readonly direction?: Direction; readonly bytesPerSecond: number } & Holding)
  /** Each byte is exchanged for another one with `probability`, (0, 1], by a generator of its own for each connection and direction. */
  | ({ readonly kind: 'corrupt'; readonly direction?: Direction; readonly probability: number; readonly seed?: number } & Holding);

/** `up`: from client to server. Default both. */
export type Direction = 'up' | 'down' | 'both';

export interface Holding {
  /**
   * On heal: `deliver` what is held back, in order, or throw it away and reset every connection of the proxy (`drop-connections`).
   * Default: `drop-connections` for a blackhole, `deliver` for every other kind.
   */
  readonly onHeal?: 'deliver' | 'drop-connections';
  /** Most bytes held back per connection and direction, beyond what the kernel holds. Default `HOLD_MAX_BYTES`. */
  readonly holdMaxBytes?: number;
}

export const HOLD_MAX_BYTES = 1024 * 1024;

const SECONDS_MAX = 600;

/** Throws a RangeError that names the field and its value when a number of the fault is out of bounds. */
export function checkFault(fault: Fault): void {
  if (fault.kind === 'refuse' || fault.kind === 'reset') return;
  within('holdMaxBytes', fault.holdMaxBytes ?? HOLD_MAX_BYTES, 1, 1024 * HOLD_MAX_BYTES);
  switch (fault.kind) {
    case 'blackhole':
    case 'hang':
      return;
    case 'latency':
      within('latencyMs', fault.latencyMs, 0, SECONDS_MAX * 1000);
      return within('jitterMs', fault.jitterMs ?? 0, 0, SECONDS_MAX * 1000);
    case 'slice':
      return within('sliceBytes', fault.sliceBytes ?? 1, 1, HOLD_MAX_BYTES);
    case 'bandwidth':
      return within('bytesPerSecond', fault.bytesPerSecond, 1, Number.MAX_SAFE_INTEGER);
    case 'corrupt':
      return within('probability', fault.probability, Number.MIN_VALUE, 1);
    default:
      throw new RangeError(`no such fault: ${JSON.stringify(fault satisfies never)}`);
  }
}

/** Whether the fault touches what goes in this direction. */
export function hits(fault: Fault, direction: 'up' | 'down'): boolean {
  const hit = 'direction' in fault ? (fault.direction ?? 'both') : 'both';
  return hit === 'both' || hit === direction;
}

/** Whether the proxy's connections end when the fault does. */
export function dropsOnHeal(fault: Fault): boolean {
  if (fault.kind === 'refuse' || fault.kind === 'reset') return true;
  return (fault.onHeal ?? (fault.kind === 'blackhole' ? 'drop-connections' : 'deliver')) === 'drop-connections';
}

function within(name: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max)) throw new RangeError(`${name} must be from ${min} to ${max}, it is ${value}`);
}
