import type { ImageTarget } from './image-commands.js';
import type { ImageSize } from './image-sizes.js';
import type { BidFigures } from './bid-check.js';
import type { ServiceFigures } from './prove.js';

/** The table of docs/images.md, made from the result file of the last whole proof. Pure. */

export interface ImagesResult {
  readonly name: 'images';
  readonly command: string;
  readonly measuredAt: string;
  readonly commit: string;
  readonly machine: object;
  readonly versions: Readonly<Record<string, string>>;
  readonly images: readonly { readonly target: ImageTarget; readonly bytes: ImageSize }[];
  readonly services: readonly ServiceFigures[];
  readonly bids: BidFigures;
}

const OPENING = '<!-- table: scripts/prove-images -->';
const CLOSING = '<!-- end of table -->';

/** The page with its table made anew. @throws Error when the page has no place for it. */
export function withTable(page: string, result: ImagesResult | null): string {
  const start = page.indexOf(OPENING);
  const end = page.indexOf(CLOSING);
  if (start < 0 || end < start) throw new Error(`docs/images.md has no ${OPENING} ... ${CLOSING}`);
  return `${page.slice(0, start + OPENING.length)}\n\n${imagesTable(result)}\n\n${page.slice(end)}`;
}

function imagesTable(result: ImagesResult | null): string {
  if (result === null) return 'Not proven yet.';
  const { bids, versions } = result;
  const rows = result.images.map(({ target, bytes }) => {
    const services = result.services.filter((service) => service.image === target);
    const cells = [
      `\`${target}\``,
      megabytes(bytes.own),
      megabytes(bytes.base),
      megabytes(bytes.debian),
      megabytes(bytes.total),
      services.map(({ role, readyMs, residentMib }) => `${role}: ready in ${(readyMs / 1000).toFixed(1)} s, ${residentMib} MiB`).join('; '),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '| target | its own | shared base | Debian | together | services: ready, resident memory after the bids |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
    `${result.measuredAt.slice(0, 10)}, commit ${result.commit}: ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(
        ', ',
      )}. ${bids.requests} bid requests with ${bids.slots} slots became ${bids.outcomes} outcomes, ${bids.enriched} of them enriched; ` +
      `every slot had its end, and every service ended with exit code 0 within ${Math.max(...result.services.map(({ stopMs }) => stopMs))} ms of SIGTERM. ` +
      `Result: [images.json](../bench/results/images.json).`,
  ].join('\n');
}

/** Millions of bytes, uncompressed. */
function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
