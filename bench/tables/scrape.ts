import { figure, fileLink, markdown, NOT_MEASURED, type ReadResult, verdict } from './table.js';

/** The table of what a scrape of /metrics costs the event loop. Goal: issue 5, part 3. Pure. */

interface Turns {
  readonly median: number;
  readonly p99: number;
  readonly overLimit: number;
}

interface ScrapeResult {
  readonly limitMs: number;
  readonly requestsPerSecondUnderLoad: number;
  readonly scrapes: number;
  readonly results: Readonly<Record<string, { readonly scrapeTookMs: number; readonly withScrape: Turns; readonly without: Turns }>>;
}

/**
 * Judged where the service does nothing else: under load the turns are those of its work too, with or without a scrape. The machine itself makes
 * a turn last longer than a millisecond now and then: no more than one scrape in a hundred may have such a turn beyond those without one.
 */
export function scrapeTable(read: ReadResult): string {
  const result = read('scrape') as ScrapeResult | null;
  if (result === null) return `\`npm run bench -- scrape\`: ${NOT_MEASURED}.`;
  const { limitMs, scrapes } = result;
  const ms = ({ median, p99 }: Turns): string => `${figure(median)} and ${figure(p99)} ms`;
  const rows = Object.entries(result.results).map(([name, { scrapeTookMs, withScrape, without }]) => [
    name.replace('loaded', `${result.requestsPerSecondUnderLoad} requests a second`),
    `${figure(scrapeTookMs)} ms`,
    ms(withScrape),
    ms(without),
    `${withScrape.overLimit} and ${without.overLimit} of ${scrapes}`,
    name.endsWith('idle') ? `${limitMs} ms: ${verdict((withScrape.overLimit - without.overLimit) * 100 <= scrapes)}` : '',
  ]);
  const head = [
    'service',
    'answered after',
    'longest turn in a scrape, median and p99',
    'in a span as long without one',
    `over ${limitMs} ms, with and without`,
    'goal',
  ];
  return `${markdown(head, rows)}\n\n\`npm run bench -- scrape\`: ${fileLink('scrape')}`;
}
