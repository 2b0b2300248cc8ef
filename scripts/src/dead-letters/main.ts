/** `npm run dead-letters`: lists, shows and replays the messages that no service could handle. */
import { createInterface } from 'node:readline/promises';
import { loadConfig } from '@helios/runtime/config';
import { HeliosError } from '@helios/runtime/errors';
import { knownVariables } from '@helios/runtime/gen/known-variables';
import type { KafkaConfig } from '@helios/runtime/kafka/client';
import { kafkaFaults, kafkaSettings } from '@helios/runtime/settings';
import { runProgram, UsageError } from '../cli.js';
import { Terminal } from '../terminal.js';
import { groupTable } from './letter-groups.js';
import { Letters } from './letters.js';
import { count, listLetters } from './list.js';
import { HELP, optionsOf, type ReplayOptions } from './options.js';
import { planReplay, replayLetters } from './replay.js';
import { ReplaySender } from './replay-sender.js';
import { showLetter } from './show.js';

await runProgram('dead-letters', async (args) => {
  const options = optionsOf(args, Date.now());
  if (options === null) {
    await print(HELP);
    return 0;
  }
  if (options.command === 'replay' && !options.yes && !options.dryRun && !process.stdin.isTTY)
    throw new UsageError('Without a terminal to ask at, replay needs --yes, or --dry-run.');
  const kafka = kafkaConfig(options.brokers);
  const letters = await Letters.open(kafka);
  try {
    if (options.command === 'list') await listLetters(letters, options, print, Date.now());
    else if (options.command === 'show') await showLetter(letters, options, print, Date.now());
    else return await replay(letters, kafka, options);
    return 0;
  } finally {
    await letters.close();
  }
});

function kafkaConfig(brokers: string | undefined): KafkaConfig {
  const env = brokers === undefined ? process.env : { ...process.env, KAFKA_BROKERS: brokers };
  try {
    return loadConfig({ service: 'dead-letters', schema: kafkaSettings, env, knownVariables, check: kafkaFaults });
  } catch (error) {
    throw error instanceof HeliosError ? new UsageError(error.message) : error;
  }
}

async function replay(letters: Letters, kafka: KafkaConfig, options: ReplayOptions): Promise<number> {
  const plan = await planReplay(letters, options);
  if (plan.replayedBefore > 0) await print(`${count(plan.replayedBefore, 'letter')} replayed before: left out.\n`);
  if (plan.groups.letters === 0) {
    await print('There is nothing to replay.\n');
    return 0;
  }
  await print(groupTable(plan.groups.groups()));
  if (options.dryRun) {
    await print(`${count(plan.groups.letters, 'letter')} would be replayed; nothing was.\n`);
    return 0;
  }
  if (!options.yes && !(await confirmed(`Put ${count(plan.groups.letters, 'message')} back to the source topics?`))) {
    await print('Nothing was replayed.\n');
    return 0;
  }
  const terminal = new Terminal(process.stderr);
  const sender = await ReplaySender.connect(kafka);
  try {
    const summary = await replayLetters({ letters, kafka, say: (text) => terminal.live(text) }, sender, options);
    terminal.endLive();
    if (summary.foundReplayed > 0)
      await print(`${count(summary.foundReplayed, 'letter')} of an interrupted replay had arrived: not put back again.\n`);
    await print(`${count(summary.replayed, 'letter')} replayed.\n`);
    for (const [why, number] of summary.refused) await print(`${count(number, 'letter')} not replayed: ${why}.\n`);
    return summary.refused.size === 0 ? 0 : 1;
  } finally {
    terminal.endLive();
    await sender.close();
  }
}

async function confirmed(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // Ctrl-D closes without an answer, and the question would never be answered.
    const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
    const answer = await Promise.race([terminal.question(`${question} [y/N] `), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

/** Resolves when standard output has taken it: a reader that is slow must not fill our memory. */
function print(text: string | Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}
