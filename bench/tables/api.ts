import { figure, fileLink, markdown, NOT_MEASURED, type ReadResult, verdict } from './table.js';

/** The table of the analytics API, of the dashboard's page and of what pages deep in the table cost. Pure. */

interface ApiResult {
  readonly questions: readonly {
    readonly name: string;
    readonly goalP99Ms: number;
    readonly perSecond: number;
    readonly holds: boolean;
    readonly rows: Readonly<Record<string, { readonly p99Ms: number } | undefined>>;
  }[];
  readonly pageRatio: Readonly<Record<string, number | null>>;
  readonly exports: Readonly<
    Record<
      string,
      { readonly rows: number; readonly rowsPerSecond: number; readonly rssBeforeMb: number; readonly rssMostMb: number } | null
    >
  >;
}

interface PageResult {
  readonly goals: { readonly largestPaintMs: number; readonly layoutShift: number };
  readonly views: readonly { readonly days: number; readonly largestPaintMs: readonly number[]; readonly greatestLayoutShift: number }[];
}

/** Questions that are told in one line: those of a name like this, in the order of the page. */
const GROUPS: readonly { readonly label: string; readonly names: RegExp }[] = [
  { label: 'page 1; page 10,000; page 10,000 of a time range', names: /^page (1|10,000|10,000 of a time range)$/ },
  {
    label:
      'page by `site_domain`, `user_id`, `win_status` or several of them, each in ranges of 30 days, 24 hours, 1 hour, 5 minutes and an empty one; common, rare and absent values',
    names: /^page (of a time range|by )/,
  },
  { label: 'one outcome, of 500 all over the table', names: /^one outcome$/ },
  { label: '24 h breakdown by site (1,000 of them), ten windows', names: /^24 h breakdown by site$/ },
  { label: '24 h summary, time series, breakdown by interest, price tier, creative size and profile, ten windows each', names: /^24 h / },
  { label: '30 d of all these', names: /^30 d / },
];

export function apiTable(read: ReadResult): string {
  const result = read('api') as ApiResult | null;
  if (result === null) return `\`npm run bench -- api\`: ${NOT_MEASURED}.`;
  const sizes = [...new Set(result.questions.flatMap(({ rows }) => Object.keys(rows)))].toSorted((a, b) => Number(a) - Number(b));
  const left = new Set(result.questions);
  const rows = GROUPS.flatMap(({ label, names }) => {
    const members = [...left].filter(({ name }) => names.test(name));
    for (const member of members) left.delete(member);
    return members.length === 0 ? [] : [groupRow(label, members, sizes)];
  });
  const others = [...left].map((question) => groupRow(question.name, [question], sizes));
  const csv = [
    'CSV of at most a million outcomes: rows a second; memory of the API before and at most meanwhile',
    'constant memory',
    'once',
    ...sizes.map((size) => {
      const found = result.exports[size];
      return found === null || found === undefined
        ? NOT_MEASURED
        : `${figure(found.rowsPerSecond)}; ${found.rssBeforeMb} and ${found.rssMostMb} MB`;
    }),
    '',
  ];
  const head = ['question', 'goal at p99', 'asked at', ...sizes.map((size) => `p99 over ${figure(Number(size))} outcomes`), ''];
  const ratios = sizes.map((size) => `${result.pageRatio[size] ?? 'unknown'} times over ${figure(Number(size))}`).join(', ');
  return `${markdown(head, [...rows, ...others, csv])}\n\nPage 10,000 takes what page 1 takes, ${ratios} (medians). \`npm run bench -- api\`: ${fileLink('api')}`;
}

function groupRow(label: string, members: ApiResult['questions'], sizes: readonly string[]): string[] {
  const range = (values: readonly number[], unit: string): string => {
    const [least, most] = [Math.min(...values), Math.max(...values)].map((value) => figure(value, value < 10 ? 1 : 0));
    return least === most ? `${least}${unit}` : `${least} to ${most}${unit}`;
  };
  return [
    label,
    range(
      members.map(({ goalP99Ms }) => goalP99Ms),
      ' ms',
    ).replace('.0', ''),
    `${[...new Set(members.map(({ perSecond }) => perSecond))].join(' and ')} a second`,
    ...sizes.map((size) =>
      range(
        members.map(({ rows }) => rows[size]?.p99Ms ?? Number.NaN),
        ' ms',
      ),
    ),
    verdict(members.every(({ holds }) => holds)),
  ];
}

export function pageTable(read: ReadResult): string {
  const result = read('page') as PageResult | null;
  if (result === null) return `\`npm run bench -- page\`: ${NOT_MEASURED}.`;
  const { largestPaintMs: goalMs, layoutShift } = result.goals;
  const rows = result.views.map((view) => {
    const [least, most] = [Math.min(...view.largestPaintMs), Math.max(...view.largestPaintMs)];
    const reached = most <= goalMs && view.greatestLayoutShift <= layoutShift;
    return [`${view.days} d`, `${least} to ${most} ms`, String(view.greatestLayoutShift), `${goalMs} ms; ${layoutShift}`, verdict(reached)];
  });
  return `${markdown(['range', 'largest contentful paint', 'layout shift', 'goal', ''], rows)}\n\n\`npm run bench -- page\`: ${fileLink('page')}`;
}
