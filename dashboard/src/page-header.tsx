import type { Connection } from './connection.js';
import type { Dashboard } from './dashboard.js';
import { agoText } from './formats.js';
import iconUrl from './icon.svg';
import { Icon } from './icons.js';
import { chooseTheme, theme, themes } from './theme.js';

/** The line that stays in sight: the name, how the page stands to the API, pause, and the theme. */
export function PageHeader({ dashboard }: { dashboard: Dashboard }) {
  const paused = dashboard.paused.value;
  return (
    <header class="page-header">
      <div class="page-header-inner">
        <h1>
          <img src={iconUrl} alt="" width="24" height="24" /> Helios <span class="muted subtitle">Bidding dashboard</span>
        </h1>
        <Status dashboard={dashboard} />
        <button type="button" class="button small" aria-pressed={paused} onClick={() => dashboard.setPaused(!paused)}>
          <Icon name={paused ? 'resume' : 'pause'} />
          <span class="button-text">{paused ? 'Resume' : 'Pause'}</span>
        </button>
        <div class="segments theme" role="group" aria-label="Theme">
          {themes.map((choice) => (
            <button
              key={choice}
              type="button"
              aria-label={`${themeWords[choice]} theme`}
              title={`${themeWords[choice]} theme`}
              aria-pressed={theme.value === choice}
              onClick={() => chooseTheme(choice)}
            >
              <Icon name={choice} />
            </button>
          ))}
        </div>
      </div>
    </header>
  );
}

const themeWords = { system: 'System', light: 'Light', dark: 'Dark' } as const;

const connectionWords: Readonly<Record<Connection, string>> = {
  loading: 'Loading',
  live: 'Live',
  paused: 'Paused',
  refreshing: 'Refreshing',
  stale: 'Not up to date',
  offline: 'Offline',
};

/** The word is announced when it changes, except for the short "refreshing"; the age is not. */
function Status({ dashboard }: { dashboard: Dashboard }) {
  const { connection, answeredAtUnixMs } = dashboard.standing.value;
  const showsAge = connection !== 'live' && connection !== 'refreshing' && answeredAtUnixMs > 0;
  return (
    <p class={`status ${connection}`}>
      <span class="dot" aria-hidden="true" />
      <span role="status" aria-busy={connection === 'refreshing'}>
        {connectionWords[connection]}
      </span>
      {showsAge ? <span class="muted age">{agoText(dashboard.nowUnixMs.value - answeredAtUnixMs)} old</span> : null}
    </p>
  );
}
