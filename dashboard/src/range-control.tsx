import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { Dashboard } from './dashboard.js';
import { rangeText, zoneText } from './formats.js';
import { localInputText, localInputUnixMs, presetNames, rangeProblem } from './ranges.js';

/** The time range: presets that move along, or a start and an end in the reader's zone. */
export function RangeControl({ dashboard }: { dashboard: Dashboard }) {
  const { range } = dashboard.page.value;
  const open = useSignal(false);
  const opener = useRef<HTMLButtonElement>(null);
  const close = () => {
    open.value = false;
    opener.current?.focus();
  };
  return (
    <div
      class="range"
      role="group"
      aria-label="Time range"
      onKeyDown={(event) => {
        if (event.key === 'Escape' && open.value) close();
      }}
      onFocusOut={(event) => {
        if (event.relatedTarget instanceof Node && !event.currentTarget.contains(event.relatedTarget)) open.value = false;
      }}
    >
      <div class="segments">
        {presetNames.map((preset) => (
          <button
            key={preset}
            type="button"
            aria-pressed={range.kind === 'preset' && range.preset === preset}
            onClick={() => {
              open.value = false;
              dashboard.go({ range: { kind: 'preset', preset } });
            }}
          >
            <span class="unseen">Last </span>
            {preset.replace(/(\d+)/, '$1 ').replace(' m', ' min')}
          </button>
        ))}
        <button
          ref={opener}
          type="button"
          class="custom"
          aria-pressed={range.kind === 'absolute'}
          aria-expanded={open.value}
          aria-controls="range-form"
          onClick={() => void (open.value = !open.value)}
        >
          {range.kind === 'absolute' ? rangeText(range.sinceUnixMs, range.untilUnixMs, dashboard.nowUnixMs.value) : 'Custom'}
        </button>
      </div>
      {open.value ? <RangeForm dashboard={dashboard} close={close} /> : null}
    </div>
  );
}

function RangeForm({ dashboard, close }: { dashboard: Dashboard; close: () => void }) {
  const shown = dashboard.range();
  const since = useSignal(localInputText(shown.sinceUnixMs));
  const until = useSignal(localInputText(shown.untilUnixMs));
  const problem = useSignal<string | null>(null);
  const apply = (event: Event) => {
    event.preventDefault();
    const range = { sinceUnixMs: localInputUnixMs(since.value), untilUnixMs: localInputUnixMs(until.value) };
    problem.value = rangeProblem(range);
    if (problem.value !== null) return;
    dashboard.go({ range: { kind: 'absolute', ...range } });
    close();
  };
  return (
    <form id="range-form" class="range-form card" onSubmit={apply} noValidate>
      <TimeField label="From" value={since} />
      <TimeField label="To" value={until} />
      <p class="muted">Times in {zoneText(dashboard.zone, dashboard.nowUnixMs.value)}</p>
      {problem.value === null ? null : (
        <p class="form-problem" role="alert">
          {problem.value}
        </p>
      )}
      <p class="actions">
        <button type="submit" class="button strong">
          Apply
        </button>
        <button type="button" class="button" onClick={close}>
          Cancel
        </button>
      </p>
    </form>
  );
}

function TimeField({ label, value }: { label: string; value: { value: string } }) {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="datetime-local"
        value={value.value}
        max="9999-12-31T23:59"
        onInput={(event) => void (value.value = event.currentTarget.value)}
      />
    </label>
  );
}
