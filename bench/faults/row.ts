import type { CheckReport } from '@helios/scripts/accounting/check';
import type { SeededRandom } from '@helios/scripts/random';
import type { BidLoad } from '../load/bid-load.js';
import type { Stack, StackShape } from './stack.js';

/** What a row of the fault matrix is: which fault, how often, on which servers, and what must hold afterwards. */
export interface Row {
  readonly number: number;
  readonly title: string;
  /** What Helios promises under this fault, as the table of docs/reliability.md says it. */
  readonly promise: string;
  /** What one fault of it is, in the plural: `kills`, `outages`. */
  readonly unit: string;
  /** How many faults the short form (CI) and the long form inject. */
  readonly target: { readonly ci: number; readonly full: number };
  /** What one run injects at most; a row is as many runs as its target takes, each with an account of its own. */
  readonly perRun: { readonly ci: number; readonly full: number };
  /** Of the short form, start of the servers not counted. Exceeding it is reported, not failed: machines differ. */
  readonly budgetSeconds: number;
  readonly shape: StackShape;
  /** Whether the short form starts the servers of the following rows beside this one: it uses half of the machine, and judges no time. */
  readonly leavesRoom?: true;
  run(context: RunContext): Promise<RunResult>;
}

export interface RunContext {
  readonly stack: Stack;
  readonly random: SeededRandom;
  /** Seed of this run: printed, and enough to repeat its schedule. */
  readonly seed: number;
  /** How many faults to inject in this run. */
  readonly faults: number;
  /** Whether this is the short form. */
  readonly ci: boolean;
  /** Requests per second that are about half of what this machine takes with all of Helios on it. */
  readonly halfCapacityPerSecond: number;
  readonly say: (text: string) => void;
  /** Counts requests that no load of the run sent. */
  readonly count: (ids: number, accepted: number) => void;
  /** Starts an accounted load against the stack's ingest, with ids that no other run uses. */
  readonly startLoad: (options?: LoadOptions) => Promise<AccountedLoad>;
}

/** What a row may choose of its load; the rate is half of capacity unless said otherwise. */
export interface LoadOptions {
  readonly perSecond?: number;
  readonly connectionsMax?: number;
  readonly answerTimeoutMs?: number;
  readonly port?: number;
}

/** A load and the account of it. */
export interface AccountedLoad {
  readonly bids: BidLoad;
  /** Stops the load, waits until every group has lag 0, and checks identity, rollups, lag and hops. */
  settle(options?: SettleOptions): Promise<CheckReport>;
}

export interface SettleOptions {
  /** How long lag may take to fall to 0. */
  readonly limitMs?: number;
  /** Letters that were planted on purpose, by request id (and slot id for later topics). */
  readonly poison?: readonly { readonly requestId: string; readonly slotId: string | null }[];
  /** Further postings under the load's prefix or others, made beside the load. */
  readonly alsoPosted?: Iterable<{
    id: string;
    status: number | null;
    slots: readonly { id: string; expectation: 'bid' | 'no_bid' | 'either' }[];
  }>;
}

export interface RunResult {
  /** Faults injected. */
  readonly faults: number;
  /** Null for rows that have no bids to account for. */
  readonly report: CheckReport | null;
  /** From the end of each fault to the promise kept again. */
  readonly recoveriesMs: readonly number[];
  /** Further figures of the row, with their unit in the name. */
  readonly figures: Readonly<Record<string, number>>;
  /** Promises that were broken, as sentences; the accounting's own findings are in the report. */
  readonly broken: readonly string[];
}
