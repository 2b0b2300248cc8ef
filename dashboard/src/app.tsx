import { type Signal, useComputed } from '@preact/signals';
import iconUrl from './icon.svg';
import { agoText } from './outcome.js';
import type { Fault, OutcomeFeed } from './outcome-feed.js';
import { OutcomeTable } from './outcome-table.js';

const STALE_AFTER_MS = 5000;
const SEND_COMMAND = 'npm run -s generate | curl -X POST --data-binary @- http://127.0.0.1:8080/bid';

/** The page: a header with the feed's state, then the table or what stands in its place. */
export function App({ feed, nowUnixMs }: { feed: OutcomeFeed; nowUnixMs: Signal<number> }) {
  const outcomes = feed.outcomes.value;
  const fault = feed.fault.value;
  const state = feed.state.value;
  const answeredBefore = feed.answeredAtUnixMs.value > 0;
  return (
    <>
      <header>
        <h1>
          <img src={iconUrl} alt="" width="28" height="28" /> Helios <span class="muted">auction outcomes</span>
        </h1>
        <FeedStatus feed={feed} nowUnixMs={nowUnixMs} />
        <button type="button" aria-pressed={feed.paused.value} onClick={() => feed.setPaused(!feed.paused.value)}>
          {feed.paused.value ? 'Resume' : 'Pause'}
        </button>
      </header>
      <main>
        {fault === null ? null : <FaultNote fault={fault} retry={() => feed.retry()} keptRows={answeredBefore && outcomes.length > 0} />}
        {answeredBefore && outcomes.length === 0 ? <Empty /> : null}
        {!answeredBefore && state === 'failed' ? null : outcomes.length === 0 && answeredBefore ? null : (
          <OutcomeTable outcomes={answeredBefore ? outcomes : null} seenUntil={feed.seenUntil.value} dimmed={fault !== null} />
        )}
      </main>
    </>
  );
}

/** Live, paused, or how old what is shown has become. Changes of the state are announced, the seconds are not. */
function FeedStatus({ feed, nowUnixMs }: { feed: OutcomeFeed; nowUnixMs: Signal<number> }) {
  const elapsedMs = useComputed(() => nowUnixMs.value - feed.answeredAtUnixMs.value);
  const word = useComputed(() => {
    if (feed.state.value === 'loading') return 'loading';
    if (feed.state.value === 'failed') return feed.answeredAtUnixMs.value === 0 ? 'offline' : 'stale';
    if (feed.paused.value) return 'paused';
    return elapsedMs.value > STALE_AFTER_MS ? 'stale' : 'live';
  });
  const showsAge = (word.value === 'stale' || word.value === 'paused') && feed.answeredAtUnixMs.value > 0;
  return (
    <p class={`status ${word.value}`}>
      <span class="dot" aria-hidden="true" />
      <span role="status">{statusText[word.value]}</span>
      {showsAge ? <span class="muted">, {agoText(elapsedMs.value)} old</span> : null}
    </p>
  );
}

const statusText = { loading: 'Loading', live: 'Live', paused: 'Paused', stale: 'Not up to date', offline: 'Not connected' } as const;

function FaultNote({ fault, retry, keptRows }: { fault: Fault; retry: () => void; keptRows: boolean }) {
  return (
    <section class="note fault" role="alert">
      <h2>{fault.title}</h2>
      <p>
        {fault.detail} {keptRows ? 'The table shows what was known before.' : ''} It is tried again by itself.
      </p>
      <p class="muted">
        {fault.requestId === null ? (
          'There was no answer, so there is no request id.'
        ) : (
          <>
            Request id: <code>{fault.requestId}</code>
          </>
        )}
      </p>
      <button type="button" onClick={retry}>
        Retry now
      </button>
    </section>
  );
}

function Empty() {
  return (
    <section class="note">
      <h2>No outcomes yet</h2>
      <p>As soon as a bid has been auctioned it appears here. Send one from the project's folder:</p>
      <pre tabIndex={0} aria-label="Command that sends one bid request">
        <code>{SEND_COMMAND}</code>
      </pre>
    </section>
  );
}
