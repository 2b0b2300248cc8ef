import { type Outcome, priceText, timeText } from './outcome.js';

const columns = ['Time', 'Site', 'Slot', 'Bid', 'Market', 'Result', 'Paid', 'Profile', 'Top interest'] as const;
const SKELETON_ROWS = 12;

/**
 * The newest outcomes as a table; on narrow screens each row becomes a card. Roles are spelled out because a table that CSS lays out
 * otherwise loses its meaning in some browsers. `null` shows the skeleton of the same size.
 */
export function OutcomeTable({ outcomes, seenUntil, dimmed }: { outcomes: readonly Outcome[] | null; seenUntil: string; dimmed: boolean }) {
  return (
    <div class="table-frame" role="region" aria-label="Newest outcomes" tabIndex={0}>
      <table role="table" aria-busy={outcomes === null} class={dimmed ? 'dimmed' : ''}>
        <caption>
          Newest auction outcomes first. Prices in USD per 1,000 impressions; times in {Intl.DateTimeFormat().resolvedOptions().timeZone}.
        </caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th key={column} role="columnheader" scope="col" class={isNumber(column) ? 'number' : ''}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {outcomes === null
            ? Array.from({ length: SKELETON_ROWS }, (_, index) => <SkeletonRow key={index} />)
            : outcomes.map((outcome) => (
                <Row key={outcome.bid_id} outcome={outcome} fresh={seenUntil !== '' && outcome.timestamp > seenUntil} />
              ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ outcome, fresh }: { outcome: Outcome; fresh: boolean }) {
  const size = `${outcome.creative_w}×${outcome.creative_h}`;
  const interest = outcome.top_interest;
  return (
    <tr role="row" class={fresh ? 'fresh' : ''}>
      <td role="cell" data-label="Time" class="time">
        <time dateTime={outcome.timestamp} title={outcome.timestamp}>
          {timeText(outcome.timestamp)}
        </time>
      </td>
      <td role="cell" data-label="Site" class="site">
        <span class="clip" title={outcome.site_domain}>
          {outcome.site_domain === '' ? <span class="muted">no site</span> : outcome.site_domain}
        </span>
        {outcome.test ? <span class="tag">test</span> : null}
      </td>
      <td role="cell" data-label="Slot" class="slot">
        <span class="clip" title={outcome.slot_id}>
          {outcome.slot_id}
        </span>{' '}
        <span class="muted">{size}</span>
      </td>
      <PriceCell label="Bid" usdCpm={outcome.bid_price} />
      <PriceCell label="Market" usdCpm={outcome.market_price} />
      <td role="cell" data-label="Result">
        <Result won={outcome.win_status} />
      </td>
      {outcome.win_status ? <PriceCell label="Paid" usdCpm={outcome.win_price} /> : <EmptyCell label="Paid" meaning="nothing paid" />}
      <td role="cell" data-label="Profile" class="profile">
        {outcome.enriched ? 'known' : <span class="muted">unknown</span>}
      </td>
      {interest === null ? (
        <EmptyCell label="Top interest" meaning="no interest known" />
      ) : (
        <td role="cell" data-label="Top interest" class="interest">
          <span class="clip" title={interest}>
            {interest}
          </span>{' '}
          <span class="muted number">{outcome.top_score?.toFixed(2)}</span>
        </td>
      )}
    </tr>
  );
}

/** Won and lost differ in word and shape; colour only helps. */
function Result({ won }: { won: boolean }) {
  return (
    <span class={won ? 'result won' : 'result lost'}>
      <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
        {won ? <path d="M2 6.5 5 9.5 10.5 2.5" /> : <path d="M2.5 2.5 9.5 9.5M9.5 2.5 2.5 9.5" />}
      </svg>
      {won ? 'Won' : 'Lost'}
    </span>
  );
}

function PriceCell({ label, usdCpm }: { label: string; usdCpm: number }) {
  return (
    <td role="cell" data-label={label} class="number" title={`${usdCpm} USD CPM`}>
      {priceText(usdCpm)}
    </td>
  );
}

function EmptyCell({ label, meaning }: { label: string; meaning: string }) {
  return (
    <td role="cell" data-label={label} class={isNumber(label) ? 'number muted' : 'interest muted'}>
      <span aria-hidden="true">–</span>
      <span class="unseen">{meaning}</span>
    </td>
  );
}

function SkeletonRow() {
  return (
    <tr role="row" class="skeleton" aria-hidden="true">
      {columns.map((column) => (
        <td key={column} role="cell" data-label={column}>
          <span class="bone" />
        </td>
      ))}
    </tr>
  );
}

function isNumber(column: string): boolean {
  return column === 'Bid' || column === 'Market' || column === 'Paid';
}
