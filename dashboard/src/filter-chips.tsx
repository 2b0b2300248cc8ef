import type { Dashboard } from './dashboard.js';
import { filterTitles, setFilters, valueText, without } from './filters.js';
import { Icon } from './icons.js';

/** The filters that are set, each to be removed by a press; with none, how to set one. The row is always there: nothing moves. */
export function FilterChips({ dashboard }: { dashboard: Dashboard }) {
  const { filters } = dashboard.page.value;
  const set = setFilters(filters);
  if (set.length === 0) return <p class="chips muted">No filters. Choose a row under “Where” to filter the whole page.</p>;
  return (
    <ul class="chips" aria-label="Filters">
      {set.map(([name, value]) => (
        <li key={name}>
          <button
            type="button"
            class="chip"
            title={valueText(name, value)}
            onClick={() => dashboard.go({ filters: without(filters, name) })}
          >
            <span class="unseen">Remove filter: </span>
            <span class="chip-name">{filterTitles[name]}</span>
            <span class="unseen"> is </span>
            <bdi class="chip-value">{valueText(name, value)}</bdi>
            <Icon name="close" />
          </button>
        </li>
      ))}
      {set.length > 1 ? (
        <li>
          <button type="button" class="link" onClick={() => dashboard.go({ filters: {} })}>
            Clear all
          </button>
        </li>
      ) : null}
    </ul>
  );
}
