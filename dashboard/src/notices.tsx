import type { ComponentChildren } from 'preact';
import type { Dashboard } from './dashboard.js';
import { type Fault, isRefused, RANGE_NEEDS_ROWS } from './fault.js';
import { filterTitles, setFilters, without } from './filters.js';
import type { PanelFeed } from './panel-feed.js';

/** What stands in a panel when there is nothing to show, or beside what it showed before. */

const SEND_COMMAND = 'npm run -s generate | curl -X POST --data-binary @- http://127.0.0.1:8080/bid';

interface PanelProps<T> {
  dashboard: Dashboard;
  feed: PanelFeed<T>;
  /** Draws the panel; null is the first load. */
  children: (data: T | null, dimmed: boolean) => ComponentChildren;
}

/** One panel's states: loading, ready, refreshing, failed with or without what it showed before, and refused for its range. */
export function Panel<T>({ dashboard, feed, children }: PanelProps<T>) {
  const fault = feed.fault.value;
  const data = feed.data.value;
  if (fault === null) return <>{children(data, feed.state.value === 'refreshing')}</>;
  if (fault.code === RANGE_NEEDS_ROWS) return <NeedsRows dashboard={dashboard} />;
  // Never answered at all: the page says so once, and the panels wait.
  if (data === null && !dashboard.reached.value) return <>{children(null, false)}</>;
  if (data === null) return <FaultNotice fault={fault} retry={() => feed.retry()} />;
  // One banner tells that the API is away; a line in each panel would repeat it.
  if (dashboard.standing.value.connection === 'offline') return <>{children(data, true)}</>;
  return (
    <>
      {children(data, true)}
      <p class="not-refreshed">
        Not up to date: {fault.title}. <RequestId fault={fault} />{' '}
        <button type="button" class="link" onClick={() => feed.retry()}>
          Retry
        </button>
      </p>
    </>
  );
}

function FaultNotice({ fault, retry }: { fault: Fault; retry: () => void }) {
  return (
    <div class="notice fault">
      <p class="notice-title">{fault.title}</p>
      <p>
        {fault.detail} {isRefused(fault) ? '' : 'It is tried again by itself.'}
      </p>
      <p class="muted">
        <RequestId fault={fault} />
      </p>
      <button type="button" class="button" onClick={retry}>
        Retry
      </button>
    </div>
  );
}

function RequestId({ fault }: { fault: Fault }) {
  if (fault.requestId === null) return <span>There was no answer, so there is no request id.</span>;
  return (
    <span>
      Request id <code>{fault.requestId}</code>
    </span>
  );
}

/** The API keeps hours per single filter and minutes without one; everything finer is read from rows, for 6 hours at most. */
function NeedsRows({ dashboard }: { dashboard: Dashboard }) {
  const { filters } = dashboard.page.value;
  const set = setFilters(filters);
  return (
    <div class="notice">
      <p class="notice-title">Too long a range for {set.length > 1 ? 'these filters' : 'this filter'}</p>
      <p>Filtered by {names(set)}, this is kept for 6 hours at most: choose 6 h or remove a filter.</p>
      <p class="actions">
        <button type="button" class="button" onClick={() => dashboard.go({ range: { kind: 'preset', preset: '6h' } })}>
          Show the last 6 h
        </button>
        {set.map(([name]) => (
          <button key={name} type="button" class="button" onClick={() => dashboard.go({ filters: without(filters, name) })}>
            Remove filter: {filterTitles[name]}
          </button>
        ))}
      </p>
    </div>
  );
}

function names(set: ReturnType<typeof setFilters>): string {
  return set.map(([name]) => filterTitles[name].toLowerCase()).join(' and ');
}

/** Nothing in the range: how to send bids, or how to see those that the filters hide. */
export function Empty({ dashboard }: { dashboard: Dashboard }) {
  const filtered = setFilters(dashboard.page.value.filters).length > 0;
  if (filtered)
    return (
      <div class="notice empty">
        <p class="notice-title">Nothing matches these filters in this range</p>
        <p>There may be bids at another time or without one of the filters.</p>
        <button type="button" class="button" onClick={() => dashboard.go({ filters: {} })}>
          Clear filters
        </button>
      </div>
    );
  return (
    <div class="notice empty">
      <p class="notice-title">No bids in this range</p>
      <p>As soon as a bid has been auctioned it is counted here. Send one from the project’s folder:</p>
      <pre tabIndex={0} aria-label="Command that sends one bid request">
        <code>{SEND_COMMAND}</code>
      </pre>
    </div>
  );
}
