import { type Change, latencyChange, p99Of, rateChange, relativeChange } from './change.js';
import type { Dashboard } from './dashboard.js';
import { filterTitles, setFilters } from './filters.js';
import { cpmText, durationText, exactText, NONE, rangeText, rateText, spanText, usdText } from './formats.js';
import { Hint } from './hint.js';
import { Icon } from './icons.js';
import { Panel } from './notices.js';
import type { Summary, SummaryFigures } from './stats.js';

/** The five figures that answer "how are we doing": each with its formula and its change against the period just before. */

interface Figure {
  readonly name: string;
  readonly formula: string;
  readonly value: (figures: SummaryFigures) => string;
  readonly change: (current: SummaryFigures, previous: SummaryFigures) => Change;
}

const figures: readonly Figure[] = [
  {
    name: 'Win rate',
    formula: 'Bids won / bids made. A bid wins when it reaches the floor and is above the best competing bid.',
    value: ({ win_rate }) => rateText(win_rate),
    change: (current, previous) => rateChange(current.win_rate, previous.win_rate),
  },
  {
    name: 'Spend',
    formula: 'Sum of the clearing prices of all bids won / 1,000, in USD: a price is for 1,000 impressions, a won bid is one.',
    value: ({ spend_usd }) => usdText(spend_usd),
    change: (current, previous) => relativeChange(current.spend_usd, previous.spend_usd),
  },
  {
    name: 'Bids',
    formula: 'Bids whose auction was decided in the range, won or lost. Test bids are not counted.',
    value: ({ bids }) => exactText(bids),
    change: (current, previous) => relativeChange(current.bids, previous.bids),
  },
  {
    name: 'eCPM',
    formula: 'Spend / bids won × 1,000: what 1,000 impressions cost on average, in USD.',
    value: ({ ecpm }) => cpmText(ecpm),
    change: (current, previous) => relativeChange(current.ecpm, previous.ecpm),
  },
  {
    name: 'Accepted to outcome, p99',
    formula: '99 of 100 outcomes were decided within this time after ingest accepted their bid request. Less is better.',
    value: (figures) => {
      const p99Ms = p99Of(figures);
      return p99Ms === null ? NONE : durationText(p99Ms);
    },
    change: (current, previous) => latencyChange(p99Of(current), p99Of(previous)),
  },
];

export function Figures({ dashboard }: { dashboard: Dashboard }) {
  return (
    <section class="figures" aria-labelledby="figures-title">
      <div class="section-head">
        <h2 id="figures-title">How we are doing</h2>
        <Coverage dashboard={dashboard} />
      </div>
      <Panel dashboard={dashboard} feed={dashboard.summary}>
        {(summary, dimmed) => (
          <div class={dimmed ? 'figure-strip dimmed' : 'figure-strip'} aria-busy={summary === null || dimmed}>
            {figures.map((figure) => (
              <Card key={figure.name} figure={figure} summary={summary} dashboard={dashboard} />
            ))}
          </div>
        )}
      </Panel>
    </section>
  );
}

/** Which time the figures cover: whole hours where a filter is answered from hours. */
function Coverage({ dashboard }: { dashboard: Dashboard }) {
  const summary = dashboard.summary.data.value;
  if (summary === null) return <p class="muted coverage">&nbsp;</p>;
  const [since, until] = [Date.parse(summary.since), Date.parse(summary.until)];
  return (
    <p class="muted coverage">
      {rangeText(since, until, dashboard.nowUnixMs.value)}
      {summary.grain === 'hour' ? ', in whole hours' : ''}
      <span class="coverage-more">, compared with the {spanText(until - since)} before</span>
    </p>
  );
}

function Card({ figure, summary, dashboard }: { figure: Figure; summary: Summary | null; dashboard: Dashboard }) {
  return (
    <div class="card figure-card">
      <h3>
        {figure.name} <Hint label={`How “${figure.name}” is reckoned`}>{figure.formula}</Hint>
      </h3>
      {summary === null ? (
        <>
          <p class="figure-value">
            <span class="bone" />
          </p>
          <p class="change">
            <span class="bone" />
          </p>
        </>
      ) : (
        <>
          <p class="figure-value">{figure.value(summary.current)}</p>
          {figure.change === latencyOf && summary.current.accepted_to_outcome === null ? (
            <p class="change muted">{notKept(dashboard)}</p>
          ) : (
            <ChangeLine change={figure.change(summary.current, summary.previous)} before={figure.value(summary.previous)} />
          )}
        </>
      )}
    </div>
  );
}

const latencyOf = figures.at(-1)?.change;

function ChangeLine({ change, before }: { change: Change; before: string }) {
  if (change.direction === 'unknown') return <p class="change muted">{change.words}</p>;
  return (
    <p class={change.judgement === null ? 'change' : `change ${change.judgement}`} title={`Before: ${before}`}>
      <Icon name={change.direction} /> {change.words}
      {change.judgement === null ? null : `, ${change.judgement}`}
      <span class="unseen">, before: {before}</span>
    </p>
  );
}

function notKept(dashboard: Dashboard): string {
  const names = setFilters(dashboard.page.value.filters).map(([name]) => filterTitles[name].toLowerCase());
  return `not kept per ${names.join(' and ')}`;
}
