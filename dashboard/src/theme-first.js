// Applies the reader's kept choice of theme before the first paint: a script of its own that blocks, because the CSP refuses inline ones.
try {
  const choice = localStorage.getItem('helios-theme');
  if (choice === 'light' || choice === 'dark') document.documentElement.dataset.theme = choice;
} catch {
  // No storage: the system decides.
}
