import type { DeploymentFacts } from './cluster-commands.js';
import type { ComposeInventory } from './manifests.js';

/** What docker and docker compose commands name: images and targets, services and profiles. Pure. */

const composeVerbs = new Set(['config', 'build', 'down', 'exec', 'logs', 'ps', 'pull', 'restart', 'run', 'stop', 'up']);

/** The image is one of the manifests, its tag the version, the target that it is built from one of the Dockerfile. */
export function dockerProblem(words: readonly string[], facts: DeploymentFacts): string | null {
  const [verb = '', ...rest] = words;
  if (verb === 'images' || verb === 'run') {
    const image = rest.find((word) => /^[\w.-]+(\/[\w.-]+)+(:[\w.-]+)?$/.test(word));
    return image === undefined ? 'it names no image' : imageProblem(image, verb === 'images', facts);
  }
  if (verb !== 'build') return `the check of the pages does not know docker ${verb}`;
  const target = valueOf(words, '--target');
  const image = valueOf(words, '--tag') ?? valueOf(words, '-t');
  if (target === null || image === null) return 'it names no --target, or no --tag';
  if (!facts.imageTargets.has(target)) return `the Dockerfile has no target ${target}`;
  return imageProblem(image, false, facts);
}

function imageProblem(image: string, anyTag: boolean, facts: DeploymentFacts): string | null {
  const [, name = '', tag = ''] = /^(.*?)(?::([^/:]*))?$/.exec(image) ?? [];
  if (!facts.manifests.images.has(name)) return `no manifest uses the image ${name}`;
  return tag === facts.version || (anyTag && tag === '') ? null : `the tag is ${tag || 'missing'}, and the version is ${facts.version}`;
}

/** Profiles and services are those of the compose file. */
export function composeProblem(words: readonly string[], compose: ComposeInventory | null): string | null {
  if (compose === null) return 'there is no compose file';
  const at = words.findIndex((word) => composeVerbs.has(word));
  if (at === -1) return `the check of the pages does not know docker compose ${words.join(' ')}`;
  const before = words.slice(0, at);
  const profile = before
    .flatMap((word, index) => (word === '--profile' ? [before[index + 1] ?? ''] : []))
    .find((one) => !compose.profiles.has(one));
  if (profile !== undefined) return `the compose file has no profile ${profile}`;
  const verb = words[at] ?? '';
  const named = words.slice(at + 1).filter((word) => !word.startsWith('-'));
  // Behind the service of `run` and `exec` stands the command in its container.
  const services = verb === 'run' || verb === 'exec' ? named.slice(0, 1) : named;
  const service = services.find((one) => !compose.services.has(one));
  return service === undefined ? null : `the compose file has no service ${service}`;
}

function valueOf(words: readonly string[], flag: string): string | null {
  const at = words.indexOf(flag);
  const inline = words.find((word) => word.startsWith(`${flag}=`));
  return inline?.slice(flag.length + 1) ?? (at === -1 ? null : (words[at + 1] ?? null));
}
