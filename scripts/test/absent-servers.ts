import { spawnSync } from 'node:child_process';
import { findJava } from '../src/kafka-jars.js';

/** Why tests on real servers cannot run on this machine; undefined where they can. `npm test` names what was skipped. */

export const redisAbsent = runs('redis-server', '--version') ? undefined : 'redis-server is not installed';
export const kafkaAbsent = javaAbsent() ?? (runs('mvn', '--version') ? undefined : 'Maven is not installed');

export const prometheusAbsent =
  runs('prometheus', '--version') && runs('promtool', '--version')
    ? undefined
    : 'prometheus and promtool are not installed (scripts/install-system --observe)';

export const shellcheckAbsent = runs('shellcheck', '--version')
  ? undefined
  : 'shellcheck is not installed (scripts/install-system --shell)';

/** What a suite's name says when it is skipped. */
export function whySkipped(absent: string | undefined): string {
  return absent === undefined ? '' : ` (skipped: ${absent})`;
}

function javaAbsent(): string | undefined {
  try {
    findJava(process.env['JAVA_HOME']);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function runs(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
