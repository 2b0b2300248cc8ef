import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { root } from './rendered.js';

/** The programs of the folder `stubs` in the place of kubectl, kind and Docker: they remember what they were asked, and what was made. */

/** What the scripts need beside those: with nothing else on their PATH they find no kubectl or kind of this machine. */
const ordinary = 'bash base64 cat cp cut dirname grep head ls mkdir mktemp openssl rm sed tail touch tr'.split(' ');

function placeOf(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

export interface Run {
  readonly status: number | null;
  readonly said: string;
  /** Every call of this run, as it was typed. */
  readonly calls: readonly string[];
}

export class Stubs {
  readonly #folder = mkdtempSync(join(tmpdir(), 'helios-stubs-'));

  constructor(programs: readonly ('kubectl' | 'kind' | 'docker')[]) {
    mkdirSync(join(this.#folder, 'bin'));
    for (const name of ordinary) {
      const place = placeOf(name);
      if (place !== undefined) symlinkSync(place, join(this.#folder, 'bin', name));
    }
    for (const name of programs) symlinkSync(join(root, 'scripts/test/manifests/stubs', name), join(this.#folder, 'bin', name));
    this.write('contexts', 'kind-helios\n');
    this.write('rendered.yaml', 'kind: ConfigMap\n');
  }

  /** Sets what the stand-ins find. */
  write(name: string, text: string): void {
    writeFileSync(join(this.#folder, name), text);
  }

  /** The Secrets that were made: values by key, by name. */
  secrets(): Record<string, Record<string, string>> {
    const folder = join(this.#folder, 'secrets');
    if (!existsSync(folder)) return {};
    const valuesOf = (name: string) => readdirSync(join(folder, name)).map((key) => [key, readFileSync(join(folder, name, key), 'utf8')]);
    return Object.fromEntries(readdirSync(folder).map((name) => [name, Object.fromEntries(valuesOf(name)) as Record<string, string>]));
  }

  run(script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
    const calls = join(this.#folder, 'calls');
    writeFileSync(calls, '');
    const { status, stdout, stderr } = spawnSync(join(root, 'scripts', script), args, {
      encoding: 'utf8',
      env: { HOME: this.#folder, PATH: join(this.#folder, 'bin'), STATE: this.#folder, ...env },
    });
    return {
      status,
      said: `${stdout}${stderr}`,
      calls: readFileSync(calls, 'utf8')
        .split('\n')
        .filter((call) => call !== ''),
    };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
