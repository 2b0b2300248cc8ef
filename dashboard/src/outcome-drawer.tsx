import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { Dashboard } from './dashboard.js';
import { valueText } from './filters.js';
import { durationText, momentText, rateText } from './formats.js';
import { Icon } from './icons.js';
import { Panel } from './notices.js';
import type { Outcome } from './outcome.js';
import { Result } from './outcome-table.js';

/**
 * Everything that is known of one outcome, in a modal dialog at the side. The dialog element keeps the focus inside and gives it back;
 * a row that has left the table meanwhile cannot take it, then the table does.
 */
export function OutcomeDrawer({ dashboard, bidId, closed }: { dashboard: Dashboard; bidId: string; closed: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const feed = useMemo(() => dashboard.outcome(bidId), [dashboard, bidId]);
  useEffect(() => {
    const opener = document.activeElement;
    feed.start();
    dialog.current?.showModal();
    return () => {
      feed.stop();
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
      else document.querySelector<HTMLElement>('#outcomes')?.focus();
    };
  }, [feed]);
  return (
    <dialog
      ref={dialog}
      class="drawer"
      aria-labelledby="drawer-title"
      onClose={closed}
      onClick={(event) => {
        // The dialog's own area is covered by its content: what is left is the backdrop. A click inside must not reach the table's row.
        event.stopPropagation();
        if (event.target === event.currentTarget) event.currentTarget.close();
      }}
    >
      <div class="drawer-content">
        <div class="panel-head">
          <h2 id="drawer-title">Outcome</h2>
          <button type="button" class="button small" onClick={() => dialog.current?.close()}>
            <Icon name="close" /> Close
          </button>
        </div>
        <p class="drawer-id">
          <bdi>{bidId}</bdi>
        </p>
        <Panel dashboard={dashboard} feed={feed}>
          {(outcome) => (outcome === null ? <Skeleton /> : <Details outcome={outcome} nowUnixMs={dashboard.nowUnixMs.peek()} />)}
        </Panel>
      </div>
    </dialog>
  );
}

function Details({ outcome, nowUnixMs }: { outcome: Outcome; nowUnixMs: number }) {
  const { accepted_at: acceptedAt } = outcome;
  const elapsedMs = acceptedAt === null ? null : Date.parse(outcome.timestamp) - Date.parse(acceptedAt);
  return (
    <>
      <dl class="fields">
        <Field name="Result">
          <Result won={outcome.win_status} />
        </Field>
        <Field name="Paid">{outcome.win_status ? <Price usdCpm={outcome.win_price} /> : 'nothing'}</Field>
        <Field name="Bid">
          <Price usdCpm={outcome.bid_price} />
        </Field>
        <Field name="Best competing bid">
          <Price usdCpm={outcome.market_price} />
        </Field>
        <Field name="Floor">
          <Price usdCpm={outcome.floor} />
        </Field>
        <Field name="Auction">{outcome.auction_type === 1 ? 'first price' : 'second price'}</Field>
        <Field name="Site">{valueText('site_domain', outcome.site_domain)}</Field>
        <Field name="Slot">{outcome.slot_id}</Field>
        <Field name="Creative">
          {outcome.creative_id}, {outcome.creative_w}×{outcome.creative_h}
        </Field>
        <Field name="User">{outcome.user_id ?? 'none'}</Field>
        <Field name="Profile">{outcome.enriched ? 'arrived in time' : 'unknown'}</Field>
        <Field name="Top interest">
          {outcome.top_interest === null ? 'none known' : `${outcome.top_interest}, ${rateText(outcome.top_score)}`}
        </Field>
        <Field name="Strategy">{outcome.strategy}</Field>
        <Field name="Test bid">{outcome.test ? 'yes, in no statistic' : 'no'}</Field>
        <Field name="Accepted">{acceptedAt === null ? 'not known' : momentText(acceptedAt, nowUnixMs)}</Field>
        <Field name="Bid made">{momentText(outcome.bid_at, nowUnixMs)}</Field>
        <Field name="Decided">
          {momentText(outcome.timestamp, nowUnixMs)}
          {elapsedMs === null ? '' : `, ${durationText(elapsedMs)} after it was accepted`}
        </Field>
        <Field name="Request">{outcome.bid_request_id}</Field>
        <Field name="Trace">{outcome.trace_id ?? 'none'}</Field>
      </dl>
      <Json outcome={outcome} />
    </>
  );
}

function Field({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <bdi>{children}</bdi>
      </dd>
    </div>
  );
}

function Price({ usdCpm }: { usdCpm: number }) {
  return (
    <>
      ${usdCpm} <span class="muted">CPM</span>
    </>
  );
}

function Json({ outcome }: { outcome: Outcome }) {
  const json = JSON.stringify(outcome, null, 2);
  const said = useSignal('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(json);
      said.value = 'Copied';
    } catch {
      // Without https, or not allowed: the text can still be selected, a press on it takes all.
      said.value = 'The browser does not allow it: select the text below';
    }
  };
  return (
    <>
      <div class="panel-head json-head">
        <h3>JSON</h3>
        <span role="status" class="muted">
          {said.value}
        </span>
        <button type="button" class="button small" onClick={() => void copy()}>
          Copy
        </button>
      </div>
      <pre tabIndex={0} aria-label="The outcome as JSON">
        <code>{json}</code>
      </pre>
    </>
  );
}

function Skeleton() {
  return (
    <div class="fields" aria-busy="true">
      {Array.from({ length: 12 }, (_, index) => (
        <div key={index}>
          <span class="bone" />
        </div>
      ))}
    </div>
  );
}
