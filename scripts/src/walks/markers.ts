/** The markers of the pages: `<!-- walk: KIND NAME=VALUE ... -->`. Pure. */

interface Kind {
  /** Its block holds shell commands; otherwise it must not. */
  readonly takesCommands: boolean;
  readonly attributes: readonly AttributeName[];
  readonly required: readonly AttributeName[];
}

/** What a block can be, and what its marker says besides. */
export const kinds = {
  /** Run in the page's shell; it must end with 0. */
  local: { takesCommands: true, attributes: ['within', 'after'], required: [] },
  /** Started and left running, as in a terminal of its own. */
  start: { takesCommands: true, attributes: ['name', 'after'], required: ['name'] },
  /** Ctrl-C in that terminal; a block behind it is how its output ends. */
  stop: { takesCommands: false, attributes: ['name', 'numbers'], required: ['name'] },
  /** What the command block before it prints, or what was started under that name. */
  output: { takesCommands: false, attributes: ['name', 'numbers'], required: [] },
  /** Checked against the manifests, not run. */
  cluster: { takesCommands: true, attributes: [], required: [] },
  /** Checked against the compose file, not run. */
  compose: { takesCommands: true, attributes: [], required: [] },
  /** Run by another step of CI, which the table of docs/testing/README.md names. */
  covered: { takesCommands: true, attributes: [], required: [] },
  /** No command: a picture in text, an example of a format. */
  shown: { takesCommands: false, attributes: [], required: [] },
} as const satisfies Record<string, Kind>;

export type MarkerKind = keyof typeof kinds;

/** What an attribute may be. */
const values = {
  name: /^[a-z][a-z-]*$/,
  within: /^[1-9]\d{0,2}s$/,
  after: /^\S.*$/,
  numbers: /^vary$/,
} as const;

type AttributeName = keyof typeof values;
export type Attributes = Readonly<Partial<Record<AttributeName, string>>>;

/** Reads the marker of a line, or says in a sentence what is wrong with it. */
export function attributesOf(line: string): { readonly kind: MarkerKind; readonly attributes: Attributes } | string {
  const match = /^<!-- walk: ([a-z]+)((?: [a-z]+=(?:"[^"]*"|[^\s"]+))*) -->$/.exec(line);
  if (match === null) return `this is no marker: ${line} (it is written <!-- walk: KIND NAME=VALUE -->, alone in its line)`;
  const [, kind = '', rest = ''] = match;
  if (!Object.hasOwn(kinds, kind)) return `there is no marker "${kind}"; there are ${Object.keys(kinds).join(', ')}`;
  const rules: Kind = kinds[kind as MarkerKind];
  const attributes: Partial<Record<AttributeName, string>> = {};
  for (const [, name = '', value = ''] of rest.matchAll(/ ([a-z]+)=("[^"]*"|[^\s"]+)/g)) {
    if (!isAttribute(name) || !rules.attributes.includes(name)) return `the marker "${kind}" has no ${name}`;
    const bare = value.replaceAll('"', '');
    if (!values[name].test(bare)) return `${name}=${value} is not what ${name} can be (${values[name].source})`;
    attributes[name] = bare;
  }
  const missing = rules.required.find((name) => attributes[name] === undefined);
  return missing === undefined ? { kind: kind as MarkerKind, attributes } : `the marker "${kind}" needs ${missing}=...`;
}

function isAttribute(name: string): name is AttributeName {
  return Object.hasOwn(values, name);
}
