import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';

/** What a measured figure is worth nothing without: which commit, on which machine. */

export function measuredMachine(): object {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
  };
}

/** The commit measured, with a mark when the tree had changes of its own. @param root the project's folder. */
export function measuredCommit(root: string): string {
  try {
    const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
    return `${git('rev-parse', '--short=12', 'HEAD')}${git('status', '--porcelain', '--', '.', ':!bench/results') === '' ? '' : ' with changes'}`;
  } catch {
    return 'unknown';
  }
}
