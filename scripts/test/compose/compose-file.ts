import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';

/** compose.yaml as the tests read it: included files taken in, anchors merged, variables replaced by their defaults. */

export interface ComposeService {
  readonly image: string;
  readonly build?: { readonly context: string; readonly target: string };
  readonly profiles?: readonly string[];
  readonly restart?: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly configs?: readonly { readonly source: string; readonly target: string }[];
  readonly networks?: Readonly<Record<string, { readonly aliases?: readonly string[] }>>;
  readonly network_mode?: string;
  readonly healthcheck?: { readonly test?: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition?: string }>>;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
}

export interface ComposeProject {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
  /** Folders that relative paths of a service begin in. */
  readonly folderOf: (service: string) => string;
  /** Every value with a variable in it, as it is written. */
  readonly interpolated: readonly string[];
}

interface ComposeText {
  readonly include?: readonly { readonly path: string; readonly project_directory: string }[];
  readonly services: Record<string, ComposeService>;
  readonly configs?: Record<string, { readonly content: string }>;
}

/** @param textOf gives a file's text by its path below the project's folder: tests plant faults there. */
export function readCompose(
  root: string,
  textOf: (path: string) => string = (path) => readFileSync(join(root, path), 'utf8'),
): ComposeProject {
  const interpolated: string[] = [];
  const main = document(textOf('compose.yaml'), interpolated);
  const services = { ...main.services };
  const configs = { ...main.configs };
  const folders = new Map<string, string>();
  for (const { path, project_directory } of main.include ?? []) {
    const included = document(textOf(path), interpolated);
    for (const name of Object.keys(included.services)) folders.set(name, resolve(root, project_directory));
    Object.assign(services, included.services);
    Object.assign(configs, included.configs);
  }
  return { services, configs, folderOf: (service) => folders.get(service) ?? root, interpolated };
}

function document(text: string, interpolated: string[]): ComposeText {
  const withDefaults = (value: unknown): unknown => {
    if (typeof value === 'string') {
      if (!value.includes('${')) return value;
      interpolated.push(value);
      return value.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1');
    }
    if (Array.isArray(value)) return value.map(withDefaults);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withDefaults(inner)]));
  };
  return withDefaults(parse(text, { merge: true })) as ComposeText;
}
