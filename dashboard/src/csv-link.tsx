import { apiUrl } from './api.js';
import { Icon } from './icons.js';

/** Downloads what a panel shows. While the API's address is not known there is nothing to follow; the place is kept. */
export function CsvLink({ path, what }: { path: string; what: string }) {
  const label = (
    <>
      <Icon name="download" /> CSV
    </>
  );
  if (apiUrl.value === null) return <span class="csv">{label}</span>;
  return (
    <a class="csv" href={apiUrl.value + path} download aria-label={`${what} as CSV`}>
      {label}
    </a>
  );
}
