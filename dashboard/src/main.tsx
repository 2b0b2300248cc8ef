import { render } from 'preact';
import { ask } from './api.js';
import { App } from './app.js';
import { Dashboard } from './dashboard.js';

/** Starts the page and connects it with the browser: its address, its network, the time, and whether anybody looks. */

const root = document.querySelector('#app');
if (root === null) throw new Error('the page has no #app');

const dashboard = new Dashboard({
  ask,
  nowUnixMs: Date.now,
  zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  query: location.search,
  push: (query) => history.pushState(null, '', location.pathname + query),
});

setInterval(() => {
  if (!document.hidden) dashboard.nowUnixMs.value = Date.now();
}, 1000);
document.addEventListener('visibilitychange', () => {
  dashboard.nowUnixMs.value = Date.now();
  dashboard.setHidden(document.hidden);
});
window.addEventListener('online', () => dashboard.setOnline(true));
window.addEventListener('offline', () => dashboard.setOnline(false));
window.addEventListener('popstate', () => dashboard.read(location.search));
dashboard.online.value = navigator.onLine;
dashboard.setHidden(document.hidden);

dashboard.start();
render(<App dashboard={dashboard} />, root);
