import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFlags, UsageError } from './cli.js';

/** What the programs have in common that write committed files from the code. */

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * Writes those of `files` (path from the project's folder to text) that are not so already; with `--check` it only names them.
 * @returns the exit code: 1 when `--check` found one.
 * @throws UsageError
 */
export async function generate(
  args: readonly string[],
  command: string,
  help: string,
  make: () => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>,
): Promise<number> {
  const { values, positionals } = readFlags(args, { check: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } });
  if (positionals.length > 0) throw new UsageError(`There is no argument ${positionals[0]}.`);
  if (values.help === true) {
    process.stdout.write(help);
    return 0;
  }
  const outdated = Object.entries(await make()).filter(
    ([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text,
  );
  if (values.check === true) {
    for (const [path] of outdated) process.stderr.write(`${path} is not what the code says: run ${command} and commit it.\n`);
    return outdated.length === 0 ? 0 : 1;
  }
  for (const [path, text] of outdated) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    process.stdout.write(`wrote ${path}\n`);
  }
  return 0;
}
