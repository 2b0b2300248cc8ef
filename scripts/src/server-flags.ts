import { resolve } from 'node:path';
import { readFlags, UsageError, wholeNumber } from './cli.js';

/** What a program that supervises one server is told: where its data goes, and on which port it listens. */
export interface ServerFlags {
  /** Absolute. */
  readonly dataFolder: string;
  readonly port: number;
}

/**
 * Reads `--data DIR` and `--port N` of such a program; prints `help` and returns null when that was asked for.
 * @param fallbackPort when `--port` is absent; null: it must be given.
 * @throws UsageError
 */
export function readServerFlags(args: readonly string[], help: string, fallbackPort: number | null): ServerFlags | null {
  const { values, positionals } = readFlags(args, {
    data: { type: 'string' },
    port: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  });
  if (values.help === true) {
    process.stdout.write(help);
    return null;
  }
  if (positionals.length > 0) throw new UsageError(`There is no argument ${positionals[0]}.`);
  if (values.data === undefined) throw new UsageError('--data is missing.');
  if (values.port === undefined && fallbackPort === null) throw new UsageError('--port is missing.');
  const port = wholeNumber('--port', values.port, fallbackPort ?? 0, fallbackPort === null ? 1 : 0, 65_535);
  return { dataFolder: resolve(values.data), port };
}
