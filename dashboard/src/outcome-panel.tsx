import { useSignal } from '@preact/signals';
import { outcomesCsvPath } from './api-paths.js';
import { CsvLink } from './csv-link.js';
import type { Dashboard } from './dashboard.js';
import { Panel } from './notices.js';
import type { Outcome } from './outcome.js';
import { OutcomeDrawer } from './outcome-drawer.js';
import { OutcomeTable } from './outcome-table.js';
import type { PageState } from './page-state.js';

/**
 * The newest outcomes within range and filters, as they arrive. While the mouse or the keyboard is on a row, or its details are open, the rows
 * stay where they are: none runs away from under it.
 */
export function OutcomePanel({ dashboard }: { dashboard: Dashboard }) {
  const opened = useSignal<string | null>(null);
  const holding = useSignal<{ page: PageState; rows: readonly Outcome[] } | null>(null);
  const { outcomes } = dashboard;
  const rowsNow = outcomes.data.value;
  // Rows of another view are not held on to.
  const held = holding.value?.page === dashboard.page.value ? holding.value.rows : null;
  const hold = () => {
    if (held === null && rowsNow !== null) holding.value = { page: dashboard.page.value, rows: rowsNow };
  };
  const release = () => {
    if (opened.value === null) holding.value = null;
  };
  // The dialog has given the focus back to its row by now: with the keyboard on it, the row stays.
  const closed = () => {
    opened.value = null;
    if (document.activeElement?.matches(':focus-visible') !== true) release();
  };
  return (
    <section class="card panel newest" aria-labelledby="outcomes-title" id="outcomes" tabIndex={-1}>
      <div class="panel-head">
        <h2 id="outcomes-title">Newest outcomes</h2>
        {held === null || held === rowsNow ? null : <span class="muted held">New ones wait while you are on a row</span>}
        <CsvLink path={outcomesCsvPath(dashboard.range(), dashboard.page.value.filters)} what="All outcomes of this range" />
      </div>
      <div
        class="panel-body"
        onPointerEnter={(event) => event.pointerType === 'mouse' && hold()}
        onPointerLeave={release}
        onFocusIn={(event) => event.target instanceof Element && event.target.matches(':focus-visible') && hold()}
        onFocusOut={release}
      >
        <Panel dashboard={dashboard} feed={outcomes}>
          {(rows, dimmed) =>
            rows !== null && rows.length === 0 ? (
              <p class="nothing muted">No outcomes in this range</p>
            ) : (
              <OutcomeTable
                outcomes={dimmed || rows === null ? rows : (held ?? rows)}
                seenUntil={outcomes.previous.value?.[0]?.timestamp ?? ''}
                dimmed={dimmed}
                zone={dashboard.zone}
                open={(bidId) => void (opened.value = bidId)}
              />
            )
          }
        </Panel>
      </div>
      {opened.value === null ? null : <OutcomeDrawer key={opened.value} dashboard={dashboard} bidId={opened.value} closed={closed} />}
    </section>
  );
}
