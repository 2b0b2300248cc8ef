import { parseArgs, type ParseArgsConfig } from 'node:util';

/** What the command-line programs share: flags read with sentences for faults, and an end without noise when a reader leaves. */

/** A flag or argument that cannot be used; the message is a sentence for the person at the terminal. */
export class UsageError extends Error {}

type Options = NonNullable<ParseArgsConfig['options']>;
interface StrictConfig<O extends Options> {
  args: string[];
  options: O;
  allowPositionals: true;
  strict: true;
}
type Parsed<O extends Options> = ReturnType<typeof parseArgs<StrictConfig<O>>>;

/** Reads flags strictly. @throws UsageError on an unknown flag or a missing value. */
export function readFlags<const O extends Options>(args: readonly string[], options: O): Parsed<O> {
  try {
    return parseArgs<StrictConfig<O>>({
      args: [...args],
      options,
      allowPositionals: true,
      strict: true,
    });
  } catch (error) {
    // Node adds advice about dashes and `--` in further sentences.
    throw new UsageError(`${(error as Error).message.split(/\.\s/, 1)[0]?.replace(/\.$/, '')}.`);
  }
}

/** A whole number in `min..max`, or `fallback` when the flag was not given. @throws UsageError */
export function wholeNumber(flag: string, value: string | undefined, fallback: number, min: number, max: number): number {
  if (value === undefined) return fallback;
  const number = /^-?\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new UsageError(`${flag} is ${JSON.stringify(value)}: it accepts a whole number from ${min} to ${max}.`);
}

/** A number in `min..max`, or `fallback` when the flag was not given. @throws UsageError */
export function decimalNumber(flag: string, value: string | undefined, fallback: number, min: number, max: number): number {
  if (value === undefined) return fallback;
  const number = /^\d{1,12}(\.\d{1,9})?$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new UsageError(`${flag} is ${JSON.stringify(value)}: it accepts a number from ${min} to ${max}.`);
}

/** An http address without a trailing slash. @throws UsageError */
export function httpAddress(flag: string, value: string): string {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url === null || url.protocol !== 'http:')
    throw new UsageError(`${flag} is ${JSON.stringify(value)}: it accepts an address such as http://127.0.0.1:8080.`);
  return value.replace(/\/+$/, '');
}

/**
 * Runs a program's main: a usage fault prints its sentence and exits with 2, any other fault its message and 1; otherwise the number that
 * `main` resolves with is the exit code.
 */
export async function runProgram(name: string, main: (args: readonly string[]) => Promise<number>): Promise<void> {
  endQuietlyWithoutReader();
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    const usage = error instanceof UsageError;
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}${usage ? ' See --help.' : ''}\n`);
    process.exitCode = usage ? 2 : 1;
  }
}

/** `generate | head -1`: the reader is gone, which is no fault of ours. */
function endQuietlyWithoutReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}
