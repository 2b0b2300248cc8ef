import { signal } from '@preact/signals';

/** Light or dark: by the system, or by the reader's choice, which is kept. `theme-first.js` applies the kept choice before the first paint. */

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

/** Also in `theme-first.js`. */
const STORAGE_KEY = 'helios-theme';

const chosen = document.documentElement.dataset['theme'];
export const theme = signal<Theme>(chosen === 'light' || chosen === 'dark' ? chosen : 'system');

export function chooseTheme(choice: Theme): void {
  theme.value = choice;
  if (choice === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = choice;
  try {
    if (choice === 'system') localStorage.removeItem(STORAGE_KEY);
    else localStorage.setItem(STORAGE_KEY, choice);
  } catch {
    // A browser that keeps nothing forgets the choice with the page.
  }
}
