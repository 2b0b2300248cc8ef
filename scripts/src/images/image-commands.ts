import type { ImageConfig } from './dockerfile.js';

/** Which image runs what. Pure. */

/** Targets of the Dockerfile that become images; each runs the programs of the workspace of its name. */
export const imageTargets = ['engine', 'profile-svc', 'analytics', 'dashboard'] as const;
export type ImageTarget = (typeof imageTargets)[number];

export const IMAGE_PREFIX = 'ghcr.io/your-username/helios-';

/** @returns null when there is no such image. */
export function asTarget(name: string): ImageTarget | null {
  return imageTargets.find((target) => target === name) ?? null;
}

/**
 * The image of a program.
 * @param args its file, relative to the project's folder, and its arguments: `engine/dist/main.js ingest`.
 * @throws Error when no image has it.
 */
export function targetOfProgram(args: readonly string[]): ImageTarget {
  const target = asTarget(args[0]?.split('/')[0] ?? '');
  if (target === null) throw new Error(`no image has ${args.join(' ')}`);
  return target;
}

/**
 * What runs in a container of the image so that a program starts: by the image's own entry point where that starts the program's file, else
 * in its place.
 */
export function argvIn(config: ImageConfig, args: readonly string[]): string[] {
  const [file = '', ...rest] = args;
  const { entrypoint } = config;
  return entrypoint[0] === 'node' && entrypoint.at(-1) === file ? [...entrypoint, ...rest] : ['node', ...args];
}
