import { BREAKDOWN_ROWS, breakdownCsvPath } from './api-paths.js';
import { type Column, columns, type Order, ordered, pressed, shareOf } from './breakdown-order.js';
import { CsvLink } from './csv-link.js';
import type { Dashboard } from './dashboard.js';
import { RANGE_NEEDS_ROWS } from './fault.js';
import { filterOf, toggled, valueText } from './filters.js';
import { countText, cpmText, exactText, rateText, usdText } from './formats.js';
import { Icon } from './icons.js';
import { Panel } from './notices.js';
import type { Breakdown, Dimension, Figures } from './stats.js';

/** Where the bids are: one table per dimension, the ten largest values and the rest. A row filters the whole page by its value. */

const titles: Readonly<Record<Dimension, string>> = {
  site: 'Sites',
  interest: 'Top interests',
  creative_size: 'Creative sizes',
  price_tier: 'Bid prices',
  enriched: 'Profiles',
};

/** Rows whose place is kept while nothing is known: nothing moves when they arrive. */
const reservedRows: Readonly<Record<Dimension, number>> = {
  site: BREAKDOWN_ROWS + 1,
  interest: BREAKDOWN_ROWS + 1,
  creative_size: BREAKDOWN_ROWS + 1,
  price_tier: 3,
  enriched: 2,
};

const columnTitles: Readonly<Record<Column, string>> = {
  value: 'Value',
  bids: 'Bids',
  win_rate: 'Win rate',
  spend_usd: 'Spend',
  ecpm: 'eCPM',
};
const rankWords = { bids: 'bids', wins: 'wins', spend_usd: 'spend' } as const;

export function BreakdownPanel({ dashboard, by }: { dashboard: Dashboard; by: Dimension }) {
  const feed = dashboard.breakdowns.get(by);
  const order = dashboard.orders.get(by)?.value;
  if (feed === undefined || order === undefined) return null;
  const refused = feed.fault.value?.code === RANGE_NEEDS_ROWS;
  const empty = feed.data.value?.total.bids === 0;
  return (
    <section class={`card panel breakdown ${by}`} aria-labelledby={`breakdown-${by}`}>
      <div class="panel-head">
        <h3 id={`breakdown-${by}`}>{titles[by]}</h3>
        {refused ? null : (
          <CsvLink path={breakdownCsvPath(by, order.rank, dashboard.range(), dashboard.page.value.filters)} what={titles[by]} />
        )}
      </div>
      <div class={empty ? 'panel-body' : `panel-body rows-${reservedRows[by]}`}>
        <Panel dashboard={dashboard} feed={feed}>
          {(breakdown, dimmed) =>
            breakdown !== null && breakdown.total.bids === 0 ? (
              <p class="nothing muted">No bids</p>
            ) : (
              <BreakdownTable dashboard={dashboard} by={by} order={order} breakdown={breakdown} dimmed={dimmed} />
            )
          }
        </Panel>
      </div>
    </section>
  );
}

interface TableProps {
  dashboard: Dashboard;
  by: Dimension;
  order: Order;
  breakdown: Breakdown | null;
  dimmed: boolean;
}

/** Roles are spelled out because a table that CSS lays out otherwise, as on narrow screens, loses its meaning in some browsers. */
function BreakdownTable({ dashboard, by, order, breakdown, dimmed }: TableProps) {
  const name = filterOf[by];
  const { filters } = dashboard.page.value;
  const rest = breakdown?.rest ?? null;
  return (
    <table role="table" class={dimmed ? 'dimmed' : ''} aria-busy={breakdown === null || dimmed}>
      <caption class="unseen">
        {titles[by]}: the {BREAKDOWN_ROWS} with the most {rankWords[order.rank]}. The bar and percentage are the share of all{' '}
        {rankWords[order.rank]}. Choosing a row filters the whole page.
      </caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) => (
            <Header
              key={column}
              column={column}
              title={column === 'value' ? `Share of ${rankWords[order.rank]}` : columnTitles[column]}
              order={order}
              press={() => dashboard.order(by, pressed(order, column))}
            />
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {breakdown === null
          ? Array.from({ length: reservedRows[by] }, (_, index) => <SkeletonRow key={index} />)
          : ordered(breakdown.results, order).map((row) => (
              <tr
                role="row"
                key={row.value}
                class={filters[name] === row.value ? 'choice chosen' : 'choice'}
                onClick={() => dashboard.go({ filters: toggled(filters, name, row.value) })}
              >
                <td role="cell" class="value">
                  <button type="button" aria-pressed={filters[name] === row.value} title={filterHint(filters[name] === row.value)}>
                    <bdi class={row.value === '' ? 'clip muted' : 'clip'} title={row.value}>
                      {valueText(name, row.value)}
                    </bdi>
                  </button>
                  <Share share={shareOf(row, breakdown, order.rank)} />
                </td>
                <Numbers figures={row} />
              </tr>
            ))}
        {breakdown === null || rest === null ? null : (
          <tr role="row" class="rest">
            <td role="cell" class="value">
              <span class="clip">
                {exactText(rest.values)} {rest.values === 1 ? 'other' : 'others'}
              </span>
              <Share share={shareOf(rest, breakdown, order.rank)} />
            </td>
            <Numbers figures={rest} />
          </tr>
        )}
      </tbody>
    </table>
  );
}

function filterHint(chosen: boolean): string {
  return chosen ? 'Remove this filter' : 'Filter the page by this value';
}

function Header({ column, title, order, press }: { column: Column; title: string; order: Order; press: () => void }) {
  const sorted = order.column === column;
  return (
    <th role="columnheader" scope="col" class={column === 'value' ? 'value' : 'number'} aria-sort={sorted ? order.direction : undefined}>
      <button type="button" onClick={press} title={column === 'value' ? 'Sort by name' : `Sort by ${title}`}>
        {title}
        <span class={sorted ? 'sort' : 'sort unsorted'}>
          <Icon name={sorted ? order.direction : column === 'value' ? 'ascending' : 'descending'} />
        </span>
      </button>
    </th>
  );
}

/** A drawing's width needs no style attribute, which the CSP would refuse in markup. */
function Share({ share }: { share: number }) {
  return (
    <>
      <span class="share-text">{rateText(share)}</span>
      <svg class="share" width="100%" height="3" aria-hidden="true">
        <rect class="share-track" width="100%" height="3" rx="1.5" />
        <rect class="share-bar" width={`${Math.min(100, share * 100)}%`} height="3" rx="1.5" />
      </svg>
    </>
  );
}

function Numbers({ figures }: { figures: Figures }) {
  return (
    <>
      <td role="cell" class="number" data-label="Bids" title={`${exactText(figures.bids)} bids, ${exactText(figures.wins)} won`}>
        {countText(figures.bids)}
      </td>
      <td role="cell" class="number" data-label="Win rate">
        {rateText(figures.win_rate)}
      </td>
      <td role="cell" class="number" data-label="Spend">
        {usdText(figures.spend_usd)}
      </td>
      <td role="cell" class="number" data-label="eCPM">
        {cpmText(figures.ecpm)}
      </td>
    </>
  );
}

function SkeletonRow() {
  return (
    <tr role="row" aria-hidden="true">
      {columns.map((column) => (
        <td key={column} role="cell">
          <span class="bone" />
        </td>
      ))}
    </tr>
  );
}
