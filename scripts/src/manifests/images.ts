import { type Container, containersOf, imagePrefix, isOurs, type ManifestDocument, workloadsOf } from './documents.js';

/** What a Dockerfile says of the images that the manifests name: its targets, and what each of them runs with which variables. Pure. */

/** One stage of a Dockerfile, with what it has of the stage that it begins with. */
export interface ImageTarget {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly user: string;
}

/**
 * The named stages of a Dockerfile.
 * @throws Error when an ENTRYPOINT or CMD is no JSON list: a shell would stand between the signal and the service.
 */
export function dockerfileTargets(text: string): Map<string, ImageTarget> {
  const targets = new Map<string, ImageTarget>();
  let current: ImageTarget = { name: '', env: {}, entrypoint: [], command: [], user: '' };
  for (const [word, rest] of instructions(text)) {
    if (word === 'FROM') {
      const [, base = '', name = ''] = /^(?:--\S+\s+)*(\S+)(?:\s+as\s+(\S+))?/i.exec(rest) ?? [];
      const parent = targets.get(base);
      current = { ...(parent ?? { env: {}, entrypoint: [], command: [], user: '' }), name };
    } else if (word === 'ENV') current = { ...current, env: { ...current.env, ...variables(rest) } };
    else if (word === 'ENTRYPOINT') current = { ...current, entrypoint: list(rest), command: [] };
    else if (word === 'CMD') current = { ...current, command: list(rest) };
    else if (word === 'USER') current = { ...current, user: rest };
    if (current.name !== '') targets.set(current.name, current);
  }
  return targets;
}

/** Instructions with their continued lines joined, without comments. */
function instructions(text: string): [string, string][] {
  const lines = text.split('\n').filter((line) => !/^\s*#/.test(line));
  return [
    ...lines
      .join('\n')
      .replaceAll(/\\\s*\n/g, ' ')
      .matchAll(/^\s*([A-Za-z]+)\s+(.+?)\s*$/gm),
  ].map(([, word = '', rest = '']) => [word.toUpperCase(), rest]);
}

function list(text: string): string[] {
  const parsed: unknown = text.startsWith('[') ? JSON.parse(text) : undefined;
  if (!Array.isArray(parsed)) throw new Error(`${text} is no JSON list.`);
  return parsed as string[];
}

function variables(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/([A-Za-z_]\w*)=(?:"([^"]*)"|(\S*))/g)];
  return Object.fromEntries(pairs.map(([, name = '', quoted, plain]) => [name, quoted ?? plain ?? '']));
}

/** The target that a container's image is built from; undefined when it is no image of this repository, or the Dockerfile has none. */
export function targetOf(container: Container, targets: ReadonlyMap<string, ImageTarget>): ImageTarget | undefined {
  return isOurs(container) ? targets.get(container.image.slice(imagePrefix.length).replace(/:.*$/, '')) : undefined;
}

/** The words that a container runs, from its image and its manifest. */
export function commandLine(container: Container, target: ImageTarget): readonly string[] {
  const command = container.command ?? target.entrypoint;
  // A command of the manifest replaces both ENTRYPOINT and CMD.
  const args = container.args ?? (container.command === undefined ? target.command : []);
  return [...command, ...args];
}

/** Images that the Dockerfile does not build, of another version than the project's, or that run as root, as sentences. */
export function imageFaults(documents: readonly ManifestDocument[], targets: ReadonlyMap<string, ImageTarget>, version: string): string[] {
  return workloadsOf(documents).flatMap((workload) =>
    containersOf(workload)
      .filter(isOurs)
      .flatMap((container) => {
        const target = targetOf(container, targets);
        const faults: string[] = [];
        if (target === undefined) faults.push(`the Dockerfile has no target for ${container.image}`);
        else if (target.user === '' || /^(root|0)(:|$)/.test(target.user)) faults.push(`its image runs as ${target.user || 'root'}`);
        if (!container.image.endsWith(`:${version}`)) faults.push(`its image ${container.image} is not of version ${version}`);
        return faults.map((fault) => `${workload.id}, container ${container.name}: ${fault}`);
      }),
  );
}
