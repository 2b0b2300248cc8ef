import { type FilterName, filterNames, type Filters, isFilterValue, setFilters } from './filters.js';
import { instantOf, instantText, type Preset, presets, presetNames, type RangeChoice, rangeProblem } from './ranges.js';

/** What the reader looks at, and its text in the address of the page: `?range=24h&site_domain=news.example`. Pure. */

export interface PageState {
  readonly range: RangeChoice;
  readonly filters: Filters;
}

export const DEFAULT_PRESET: Preset = '1h';
export const defaultRange: RangeChoice = { kind: 'preset', preset: DEFAULT_PRESET };

export interface ReadState {
  readonly state: PageState;
  /** A sentence for each part of the address that could not be used. */
  readonly notes: readonly string[];
}

const rangeNames = ['range', 'since', 'until'];

/** Reads the query of an address; what is unknown or invalid is left out, with a note. Never throws. */
export function readPageState(query: string): ReadState {
  const parameters = new URLSearchParams(query);
  const notes: string[] = [];
  const filters: Partial<Record<FilterName, string>> = {};
  for (const name of new Set(parameters.keys())) {
    const values = parameters.getAll(name);
    const [value = ''] = values;
    if (rangeNames.includes(name)) continue;
    if (!isFilterName(name)) notes.push(`“${shortened(name)}” in the address is not known and was left out.`);
    else if (!isFilterValue(name, value)) notes.push(`“${name}=${shortened(value)}” in the address is not possible and was left out.`);
    else filters[name] = value;
    if (values.length > 1) notes.push(`“${shortened(name)}” is in the address more than once: the first was taken.`);
  }
  return { state: { range: readRange(parameters, notes), filters }, notes };
}

function readRange(parameters: URLSearchParams, notes: string[]): RangeChoice {
  const preset = parameters.get('range');
  const since = parameters.get('since');
  const until = parameters.get('until');
  if (since !== null || until !== null) {
    const range = { sinceUnixMs: instantOf(since ?? ''), untilUnixMs: instantOf(until ?? '') };
    const problem = rangeProblem(range);
    if (problem === null) {
      if (preset !== null) notes.push('The address has both a range and a start and end: the start and end were taken.');
      return { kind: 'absolute', ...range };
    }
    notes.push(`The start and end in the address could not be used. ${problem}`);
  }
  if (preset === null) return defaultRange;
  if (Object.hasOwn(presets, preset)) return { kind: 'preset', preset: preset as Preset };
  notes.push(`“range=${shortened(preset)}” in the address is none of ${presetNames.join(', ')}: this is the last hour.`);
  return defaultRange;
}

/** The query for the address, with its `?`; empty for what the page shows by itself. */
export function pageQuery({ range, filters }: PageState): string {
  const parameters = new URLSearchParams();
  if (range.kind === 'absolute') {
    parameters.set('since', instantText(range.sinceUnixMs));
    parameters.set('until', instantText(range.untilUnixMs));
  } else if (range.preset !== DEFAULT_PRESET) parameters.set('range', range.preset);
  for (const [name, value] of setFilters(filters)) parameters.set(name, value);
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

function isFilterName(name: string): name is FilterName {
  return (filterNames as readonly string[]).includes(name);
}

function shortened(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
