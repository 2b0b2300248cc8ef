/**
 * W3C Trace Context, as much of it as Helios reads: which requests belong to a trace, and which traces are sampled (pure). Helios makes no
 * ids of its own: it hands on what came. Source: W3C Trace Context, sections 3.2 and 4.3.
 */

/** Version, trace id, parent id, flags; a later version may go on behind another dash. */
const FORMAT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const LENGTH = 55;
/** A later version may be longer than version 00, but nothing says how long: this much is read. */
const LENGTH_MAX = 512;
const FLAGS_AT = 53;
const FLAG_SAMPLED = 1;

/**
 * The `traceparent` to hand on for one that came from outside: itself when it is of version 00, its version 00 form when it is of a later
 * version, and '' when there is none or it is not valid.
 */
export function acceptedTraceparent(text: string): string {
  if (text.length < LENGTH || text.length > LENGTH_MAX) return '';
  const match = FORMAT.exec(text);
  if (match === null) return '';
  const [, version = '', traceId = '', parentId = '', flags = '', rest] = match;
  if (version === 'ff' || isZero(traceId) || isZero(parentId)) return '';
  if (version === '00') return rest === undefined ? text : '';
  return `00-${traceId}-${parentId}-0${Number.parseInt(flags, 16) & FLAG_SAMPLED}`;
}

/** The 32 hexadecimal digits of the trace, or null when there is no `traceparent` that is valid. */
export function traceIdOf(traceparent: string | undefined): string | null {
  if (traceparent === undefined || traceparent === '') return null;
  const accepted = acceptedTraceparent(traceparent);
  return accepted === '' ? null : accepted.slice(3, 35);
}

/** Whether the caller records this trace. `traceparent` as `acceptedTraceparent` gives it; whatever else it may be is not sampled. */
export function isSampledTrace(traceparent: string | undefined): boolean {
  if (traceparent?.length !== LENGTH) return false;
  return (Number.parseInt(traceparent.slice(FLAGS_AT), 16) & FLAG_SAMPLED) === FLAG_SAMPLED;
}

/** One user of a batch lookup whose bid request is traced; `position` is that of the user's id in the call. */
export interface TracedUser {
  readonly position: number;
  readonly traceparent: string;
}

/**
 * gRPC metadata of a batch lookup: its traced users. One call looks up the users of many requests, so the standard `traceparent` could name
 * only one of them.
 */
export const tracedUsersKey = 'helios-traced-users';
/** Traced users named in one call; more are looked up all the same. 16 take about 1 KB of the call's head. */
export const TRACED_USERS_MAX = 16;

/** One value for all of them: `2 00-<trace>-<parent>-01,5 00-...`. */
export function encodeTracedUsers(users: readonly TracedUser[]): string {
  return users.map(({ position, traceparent }) => `${position} ${traceparent}`).join(',');
}

/** What `encodeTracedUsers` was given, the first `TRACED_USERS_MAX` of it; what is no traced user is passed over. */
export function decodeTracedUsers(text: string): TracedUser[] {
  return text.split(',', TRACED_USERS_MAX).flatMap((user) => {
    const [, position, given = ''] = /^ ?(\d{1,6}) (\S+)$/.exec(user) ?? [];
    const traceparent = acceptedTraceparent(given);
    return position === undefined || traceparent === '' ? [] : [{ position: Number(position), traceparent }];
  });
}

function isZero(digits: string): boolean {
  return /^0+$/.test(digits);
}
