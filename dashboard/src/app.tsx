import { csv, timeSeriesPath } from './api-paths.js';
import { apiUrl } from './api.js';
import { BreakdownPanel } from './breakdown-panel.js';
import { ChartPanels } from './charts/chart-panel.js';
import { CsvLink } from './csv-link.js';
import type { Dashboard } from './dashboard.js';
import { Figures } from './figures.js';
import { FilterChips } from './filter-chips.js';
import { dimensions } from './filters.js';
import { zoneText } from './formats.js';
import { Icon } from './icons.js';
import { Empty, Panel } from './notices.js';
import { OutcomePanel } from './outcome-panel.js';
import { PageHeader } from './page-header.js';
import { RangeControl } from './range-control.js';
import { intervalMs, overAt } from './ranges.js';

/** The page, from the question to its reasons: how are we doing now, over time, where, and bid by bid. */
export function App({ dashboard }: { dashboard: Dashboard }) {
  return (
    <>
      <a class="skip" href="#content">
        Skip to the figures
      </a>
      <PageHeader dashboard={dashboard} />
      <main>
        <div class="controls">
          <RangeControl dashboard={dashboard} />
          <FilterChips dashboard={dashboard} />
        </div>
        <Notes dashboard={dashboard} />
        <div id="content" tabIndex={-1}>
          <Figures dashboard={dashboard} />
          <Charts dashboard={dashboard} />
          <section aria-labelledby="where-title">
            <div class="section-head">
              <h2 id="where-title">Where</h2>
              <p class="muted coverage">Choose a row to filter the page</p>
            </div>
            <div class="breakdowns">
              {dimensions.map((by) => (
                <BreakdownPanel key={by} dashboard={dashboard} by={by} />
              ))}
            </div>
          </section>
          <OutcomePanel dashboard={dashboard} />
        </div>
      </main>
      <footer>
        <p>Prices in USD per 1,000 impressions (CPM). Times in {zoneText(dashboard.zone, dashboard.nowUnixMs.value)}.</p>
        {apiUrl.value === null ? null : <a href={`${apiUrl.value}/api/analytics/docs`}>API documentation</a>}
      </footer>
      <Banner dashboard={dashboard} />
    </>
  );
}

function Charts({ dashboard }: { dashboard: Dashboard }) {
  const { filters } = dashboard.page.value;
  const bids = dashboard.summary.data.value?.current.bids;
  const answeredAtUnixMs = dashboard.timeSeries.answeredAtUnixMs.value;
  return (
    <section class="charts-section" aria-labelledby="charts-title">
      <div class="section-head">
        <h2 id="charts-title">Over time</h2>
        <CsvLink path={csv(timeSeriesPath(dashboard.range(), filters, dashboard.zone))} what="Time series" />
      </div>
      <Panel dashboard={dashboard} feed={dashboard.timeSeries}>
        {(series, dimmed) =>
          bids === 0 && series !== null && !dimmed ? (
            <Empty dashboard={dashboard} />
          ) : (
            <ChartPanels
              points={series === null ? null : overAt(series.points, intervalMs(series.interval), answeredAtUnixMs)}
              range={{ ...dashboard.range(), ...covered(series), zone: dashboard.zone }}
              dimmed={dimmed}
              onZoom={(range) => dashboard.go({ range: { kind: 'absolute', ...range } })}
            />
          )
        }
      </Panel>
    </section>
  );
}

function covered(series: { since: string; until: string; interval: string } | null) {
  if (series === null) return { intervalMs: intervalMs('1m') };
  return { sinceUnixMs: Date.parse(series.since), untilUnixMs: Date.parse(series.until), intervalMs: intervalMs(series.interval) };
}

/** What of the address could not be used. */
function Notes({ dashboard }: { dashboard: Dashboard }) {
  const notes = dashboard.notes.value;
  if (notes.length === 0) return null;
  return (
    <div class="notes" role="status">
      <ul>
        {notes.map((note) => (
          <li key={note}>
            <bdi>{note}</bdi>
          </li>
        ))}
      </ul>
      <button type="button" class="button small" aria-label="Dismiss these notes" onClick={() => void (dashboard.notes.value = [])}>
        <Icon name="close" />
      </button>
    </div>
  );
}

/** Over the page, so that nothing moves: the network or the whole API is away. */
function Banner({ dashboard }: { dashboard: Dashboard }) {
  const { connection, answeredAtUnixMs } = dashboard.standing.value;
  if (connection !== 'offline') return null;
  return (
    <div class="banner" role="status">
      <p>
        <strong>{dashboard.online.value ? 'The analytics API does not answer.' : 'There is no network.'}</strong>{' '}
        {answeredAtUnixMs === 0 ? '' : 'The page shows what was known before. '}It is tried again by itself.
      </p>
      <button type="button" class="button small" onClick={() => dashboard.retry()}>
        Retry now
      </button>
    </div>
  );
}
