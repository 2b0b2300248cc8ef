import type { Fault } from './fault.js';
import type { ProxyStats } from './proxy.js';

/** What the runner's thread asks of the proxies' thread. Requests for one proxy are carried out one after the other. */
export type ProxyCommand =
  | { readonly command: 'open'; readonly name: string; readonly upstreamPort: number; readonly listenPort: number }
  | { readonly command: 'set'; readonly name: string; readonly fault: Fault }
  | { readonly command: 'heal'; readonly name: string }
  | { readonly command: 'upstream'; readonly name: string; readonly port: number }
  | { readonly command: 'stats'; readonly name: string }
  | { readonly command: 'close' };

export interface ProxyRequest {
  readonly number: number;
  readonly what: ProxyCommand;
}

/** What a carried-out command gives: a port (`open`), figures (`stats`), or nothing. */
export type ProxyValue = number | ProxyStats | null;

export type ProxyAnswer =
  | { readonly number: number; readonly value: ProxyValue }
  | { readonly number: number; readonly failed: string; readonly code: string | null };
