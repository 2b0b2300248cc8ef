/** `node scripts/run.mjs observe-pictures URL DIR`: the pictures of docs/observability.md, taken in a real browser of a Prometheus that runs. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launchChromium } from '../chromium.js';
import { httpAddress, readFlags, runProgram, UsageError } from '../cli.js';
import { type Graph, graphs, graphUrl } from './links.js';

const HELP = `Usage: node scripts/run.mjs observe-pictures URL DIR

Takes prometheus-latency.png and prometheus-pipeline.png of the pages at URL, which npm run observe printed, into DIR. Needs Chromium:
scripts/install-system --browser.
`;

const VIEWPORT = { width: 1280, height: 1250 };
const RANGE = '5m';
const DRAWN_LIMIT_MS = 30_000;
/** A graph that is drawn, in Prometheus' own pages and in the older ones that Debian's package has. */
const DRAWN = '.graph-chart > canvas:first-of-type, .rickshaw_graph > svg';
/** What each picture shows, by the beginning of the graphs' titles. */
const pictures: Readonly<Record<string, readonly string[]>> = {
  'prometheus-latency': ['p99 of POST /bid', 'p99 from acceptance'],
  'prometheus-pipeline': ['requests a second', 'CPU cores'],
};

await runProgram('observe-pictures', async (args) => {
  const { values, positionals } = readFlags(args, { help: { type: 'boolean', short: 'h' } });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const [url, folder, ...more] = positionals;
  if (url === undefined || folder === undefined || more.length > 0) throw new UsageError('It takes an address and a folder.');
  await takePictures(httpAddress('URL', url), folder);
  return 0;
});

async function takePictures(base: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const browser = await launchChromium();
  try {
    for (const [name, titles] of Object.entries(pictures)) {
      const page = await browser.newPage({ viewport: VIEWPORT, colorScheme: 'light' });
      const shown = graphs(2).filter(({ title }) => titles.some((start) => title.startsWith(start)));
      await page.goto(pageUrl(base, shown));
      await page
        .locator(DRAWN)
        .nth(shown.length - 1)
        .waitFor({ timeout: DRAWN_LIMIT_MS });
      const path = join(folder, `${name}.png`);
      await page.screenshot({ path, fullPage: true });
      process.stdout.write(`wrote ${path}\n`);
    }
  } finally {
    await browser.close();
  }
}

/** Several graphs on one page: Prometheus numbers their parameters. */
function pageUrl(base: string, shown: readonly Graph[]): string {
  const parameters = shown.map(({ expr }, index) => graphUrl(base, expr, RANGE).split('?')[1]?.replaceAll('g0.', `g${index}.`) ?? '');
  return `${base}/graph?${parameters.join('&')}`;
}
