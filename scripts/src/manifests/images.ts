import type { Dockerfile, Stage } from '../images/dockerfile.js';
import { type Container, containersOf, imagePrefix, isOurs, type ManifestDocument, workloadsOf } from './documents.js';

/** Whether the images that the manifests name are those that the Dockerfile builds. Pure. */

/** The target that a container's image is built from; undefined when it is no image of this repository, or the Dockerfile has none. */
export function targetOf(container: Container, dockerfile: Dockerfile): Stage | undefined {
  return isOurs(container) ? dockerfile.get(container.image.slice(imagePrefix.length).replace(/:.*$/, '')) : undefined;
}

/** The words that a container runs, from its image and its manifest. */
export function commandLine(container: Container, { config }: Stage): readonly string[] {
  const command = container.command ?? config.entrypoint;
  // A command of the manifest replaces both ENTRYPOINT and CMD.
  const args = container.args ?? (container.command === undefined ? config.cmd : []);
  return [...command, ...args];
}

/** Images that the Dockerfile does not build, of another version than the project's, or that run as root, as sentences. */
export function imageFaults(documents: readonly ManifestDocument[], dockerfile: Dockerfile, version: string): string[] {
  return workloadsOf(documents).flatMap((workload) =>
    containersOf(workload)
      .filter(isOurs)
      .flatMap((container) => {
        const target = targetOf(container, dockerfile);
        const faults: string[] = [];
        if (target === undefined) faults.push(`the Dockerfile has no target for ${container.image}`);
        else if (target.config.user.startsWith('0:')) faults.push(`its image runs as ${target.config.user}`);
        if (!container.image.endsWith(`:${version}`)) faults.push(`its image ${container.image} is not of version ${version}`);
        return faults.map((fault) => `${workload.id}, container ${container.name}: ${fault}`);
      }),
  );
}
