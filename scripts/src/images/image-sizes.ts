import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes of the files of an image, uncompressed, by where they come from. */
export interface ImageSize {
  /** The root of Debian. */
  readonly debian: number;
  /** The stage that all images share: Node and the libraries that it and librdkafka load. */
  readonly base: number;
  /** The image's own: packages and programs. */
  readonly own: number;
  readonly total: number;
}

/** @param layers of a final stage, the first on top: its own, the shared base, Debian. @throws Error when there are others. */
export function sizeOf(layers: readonly string[]): ImageSize {
  const [own, base, debian, ...more] = layers;
  if (own === undefined || base === undefined || debian === undefined || more.length > 0)
    throw new Error(`an image has ${layers.length} layers, not 3: its own, the base and Debian`);
  const sizes = { debian: bytesIn(debian), base: bytesIn(base), own: bytesIn(own) };
  return { ...sizes, total: sizes.debian + sizes.base + sizes.own };
}

/** Bytes of all files in a folder; a file with several names counts once. */
export function bytesIn(folder: string): number {
  const seen = new Set<bigint>();
  let bytes = 0;
  const visit = (path: string) => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const inner = join(path, entry.name);
      if (entry.isDirectory()) visit(inner);
      else if (entry.isFile()) {
        const stat = lstatSync(inner, { bigint: true });
        if (stat.nlink > 1n && seen.has(stat.ino)) continue;
        seen.add(stat.ino);
        bytes += Number(stat.size);
      }
    }
  };
  visit(folder);
  return bytes;
}
