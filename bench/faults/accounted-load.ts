import { loadConfig } from '@helios/runtime/config';
import { knownVariables } from '@helios/runtime/gen/known-variables';
import { type DatabaseConfig, databaseSettings } from '@helios/analytics/database-settings';
import { type CheckReport, checkRun } from '@helios/scripts/accounting/check';
import { recordStart, type RunStart } from '@helios/scripts/accounting/hop-reader';
import { awaitNoLag } from '@helios/scripts/accounting/lag';
import { kafkaConfigOf, TopicReader } from '@helios/scripts/topic-reader';
import { BidLoad, type BidLoadOptions } from '../load/bid-load.js';
import type { AccountedLoad, SettleOptions } from './row.js';
import type { Stack } from './stack.js';

/** Loads of which account is kept, and how much the stack takes. */

/**
 * The last burst counts, the one before it warms the stack up. Three brokers copy every message to one another: on few cores they take little
 * more than the least rate, which one burst is enough to see.
 */
const CALIBRATION = { 1: { requests: 3000, bursts: 2 }, 3: { requests: 600, bursts: 1 } };
const CALIBRATION_PER_SECOND = 20_000;
/** Times half of capacity: a rate that leaves a fifth of the stack free, for rows that are only waiting for their number of requests. */
export const NEAR_CAPACITY = 1.6;
const LEAST_PER_SECOND = 150;
const MOST_PER_SECOND = 4000;
const SETTLE_LIMIT_MS = 60_000;

/** Where an account begins: the ends of all topics before the first request of a run. */
export async function accountStart(stack: Stack): Promise<RunStart> {
  const reader = await TopicReader.open(kafkaConfigOf(stack.kafkaEnv));
  try {
    return await recordStart(reader);
  } finally {
    await reader.close();
  }
}

/** Checks everything posted under a prefix: identity, rollups of the whole database, lag, hops. Goes around the proxies. */
export function checkAccount(
  stack: Stack,
  account: { prefix: string; start: RunStart; posted: Iterable<Posted> },
  { limitMs = SETTLE_LIMIT_MS, poison = [] }: SettleOptions = {},
): Promise<CheckReport> {
  return checkRun({
    prefix: account.prefix,
    posted: account.posted,
    poison,
    database: databaseConfig(stack),
    kafka: { config: kafkaConfigOf(stack.kafkaEnv), start: account.start },
    limitMs,
  });
}

/** One request as the account knows it. */
export type Posted = ReturnType<BidLoad['posted']> extends Generator<infer Request> ? Request : never;

/** Starts a load of which account is kept, with a line for each answer unless `ledgerFolder` is null. `onStopped` hears of its end. */
export async function startAccountedLoad(
  stack: Stack,
  options: Omit<BidLoadOptions, 'port' | 'ledgerFile'> & { port?: number; ledgerFolder: string | null; onStopped: (load: BidLoad) => void },
): Promise<AccountedLoad> {
  const { ledgerFolder, onStopped, ...rest } = options;
  const start = await accountStart(stack);
  const bids = new BidLoad({
    port: stack.ingestPort,
    ...rest,
    ledgerFile: ledgerFolder === null ? null : `${ledgerFolder}/${options.prefix}answers.log`,
  });
  return {
    bids,
    settle: async (settle = {}) => {
      await bids.stop();
      onStopped(bids);
      const posted = function* () {
        yield* bids.posted();
        yield* settle.alsoPosted ?? [];
      };
      return checkAccount(stack, { prefix: options.prefix, start, posted: posted() }, settle);
    },
  };
}

/** Waits until all consumer groups have handled what their topics hold. @throws Error when they have not within the limit. */
export async function untilNoLag(stack: Stack, limitMs: number): Promise<void> {
  const reader = await TopicReader.open(kafkaConfigOf(stack.kafkaEnv));
  try {
    const report = await awaitNoLag(reader, undefined, limitMs);
    if (!report.holds) throw new Error(`lag did not fall to 0 within ${limitMs / 1000} s: ${JSON.stringify(report.groups)}`);
  } finally {
    await reader.close();
  }
}

/** Half of what the stack handles end to end, in requests per second: posts a burst, and takes the time until every group has lag 0. */
export async function halfCapacity(stack: Stack, prefix: string, ledgerFolder: string): Promise<number> {
  const { requests, bursts } = CALIBRATION[stack.shape.brokers];
  let perSecond = 0;
  for (let round = 1; round <= bursts; round++) {
    const startedMonoMs = performance.now();
    const load = new BidLoad({
      port: stack.ingestPort,
      perSecond: CALIBRATION_PER_SECOND,
      prefix: `${prefix}${round}-`,
      seed: round,
      connectionsMax: 128,
      ledgerFile: `${ledgerFolder}/calibration.log`,
    });
    while (load.accepted < requests) await new Promise((resolve) => setTimeout(resolve, 20));
    await load.stop();
    await untilNoLag(stack, SETTLE_LIMIT_MS);
    perSecond = (load.accepted * 1000) / (performance.now() - startedMonoMs);
  }
  return Math.round(Math.min(MOST_PER_SECOND, Math.max(LEAST_PER_SECOND, perSecond / 2)));
}

/** The way to the stack's database around its proxy. */
export function databaseConfig(stack: Stack): DatabaseConfig {
  const { host, port, name, user, password } = stack.database;
  const env = { DB_HOST: host, DB_PORT: String(port), DB_NAME: name, DB_USER: user, DB_PASSWORD: password };
  return loadConfig({ service: 'faults', schema: databaseSettings, env, knownVariables });
}
