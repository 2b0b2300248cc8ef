import { valueText } from './filters.js';
import { cpmText, rateText, timeText } from './formats.js';
import { Icon } from './icons.js';
import type { Outcome } from './outcome.js';

const columns = ['Time', 'Site', 'Slot', 'Bid', 'Market', 'Result', 'Paid', 'Profile', 'Top interest'] as const;
const SKELETON_ROWS = 12;

interface TableProps {
  /** Null shows the skeleton of the same size. */
  outcomes: readonly Outcome[] | null;
  /** Newest `timestamp` that was shown before; rows above it are new. */
  seenUntil: string;
  dimmed: boolean;
  /** IANA name of the reader's zone. */
  zone: string;
  open: (bidId: string) => void;
}

/**
 * The newest outcomes; a row opens its details. On narrow screens each row becomes a card. Roles are spelled out because a table that CSS
 * lays out otherwise loses its meaning in some browsers.
 */
export function OutcomeTable({ outcomes, seenUntil, dimmed, zone, open }: TableProps) {
  return (
    <table role="table" class={dimmed ? 'outcomes dimmed' : 'outcomes'} aria-busy={outcomes === null}>
      <caption class="unseen">
        Newest auction outcomes first. Prices in USD per 1,000 impressions; times in {zone}. Choosing a row opens its details.
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
              <Row key={outcome.bid_id} outcome={outcome} fresh={seenUntil !== '' && outcome.timestamp > seenUntil} open={open} />
            ))}
      </tbody>
    </table>
  );
}

function Row({ outcome, fresh, open }: { outcome: Outcome; fresh: boolean; open: (bidId: string) => void }) {
  const interest = outcome.top_interest;
  return (
    <tr role="row" class={fresh ? 'choice fresh' : 'choice'} onClick={() => open(outcome.bid_id)}>
      <td role="cell" data-label="Time" class="time">
        <button type="button" aria-haspopup="dialog" title="Open the details">
          <time dateTime={outcome.timestamp} title={outcome.timestamp}>
            {timeText(outcome.timestamp)}
          </time>
        </button>
      </td>
      <td role="cell" data-label="Site" class="site">
        <bdi class={outcome.site_domain === '' ? 'clip muted' : 'clip'} title={outcome.site_domain}>
          {valueText('site_domain', outcome.site_domain)}
        </bdi>
        {outcome.test ? <span class="tag">test</span> : null}
      </td>
      <td role="cell" data-label="Slot" class="slot">
        <bdi class="clip" title={outcome.slot_id}>
          {outcome.slot_id}
        </bdi>{' '}
        <span class="muted">
          {outcome.creative_w}×{outcome.creative_h}
        </span>
      </td>
      <PriceCell label="Bid" usdCpm={outcome.bid_price} />
      <PriceCell label="Market" usdCpm={outcome.market_price} />
      <td role="cell" data-label="Result" class="outcome-result">
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
          <bdi class="clip" title={interest}>
            {interest}
          </bdi>{' '}
          <span class="muted">{rateText(outcome.top_score)}</span>
        </td>
      )}
    </tr>
  );
}

/** Won and lost differ in word and shape; colour only helps. */
export function Result({ won }: { won: boolean }) {
  return (
    <span class={won ? 'result won' : 'result lost'}>
      <Icon name={won ? 'won' : 'lost'} />
      {won ? 'Won' : 'Lost'}
    </span>
  );
}

function PriceCell({ label, usdCpm }: { label: string; usdCpm: number }) {
  return (
    <td role="cell" data-label={label} class="number" title={`${usdCpm} USD CPM`}>
      {cpmText(usdCpm)}
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
