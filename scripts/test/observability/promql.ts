/**
 * As much of PromQL as the tests need: which metrics an expression names, and what an alert compares. No parser: what is looked at are brackets,
 * strings and a handful of words. Pure.
 */

/** Functions are known by their bracket; these words come without one. */
const words = new Set('by without on ignoring group_left group_right bool offset and or unless'.split(' '));

/** Every metric that the expression names, each once, in order. */
export function metricNames(expr: string): string[] {
  const bare = expr
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
    .replaceAll(/\{[^}]*\}/g, ' ')
    .replaceAll(/\[[^\]]*\]/g, ' ')
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  const names = [...bare.matchAll(/(?<![\w:.])([a-zA-Z_:][\w:]*)\b(?!\s*\()/g)].map(([, name = '']) => name);
  return [...new Set(names.filter((name) => !words.has(name)))];
}

/**
 * What a rule compares and combines: the expression split at `or`, `and`, `unless` and comparisons that stand outside of brackets, down to
 * operands without any; numbers are left out, and `absent(x)` counts as x. An alert that keeps still gives no data, but each of its operands
 * must.
 */
export function operandsOf(expr: string): string[] {
  const inner = withoutOuterBrackets(expr.trim());
  for (const operators of [/^or\b/, /^(?:and|unless)\b/, /^(?:==|!=|>=|<=|>|<)/]) {
    const parts = splitOutside(inner, operators);
    if (parts.length > 1) return parts.flatMap(operandsOf);
  }
  const operand = inner.replaceAll(/\babsent\s*\(/g, '(').trim();
  return /^[-+]?[\d.]+(?:e[-+]?\d+)?$/i.test(operand) ? [] : [operand];
}

/** Splits where `operator` stands outside of brackets and strings; modifiers that follow it (`bool`, `on (...)`) go with it. */
function splitOutside(text: string, operator: RegExp): string[] {
  const parts: string[] = [];
  let start = 0;
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === '"') index = endOfString(text, index);
    else if ('([{'.includes(character)) depth++;
    else if (')]}'.includes(character)) depth--;
    const found = depth === 0 && !/[\w:]/.test(text.charAt(index - 1)) ? operator.exec(text.slice(index)) : null;
    if (found === null) continue;
    parts.push(text.slice(start, index));
    const modifiers = /^\s*(?:bool\b\s*)?(?:(?:on|ignoring)\s*\([^)]*\)\s*)?(?:group_(?:left|right)\s*(?:\([^)]*\))?)?/;
    const rest = text.slice(index + found[0].length);
    start = index + found[0].length + (modifiers.exec(rest)?.[0].length ?? 0);
    index = start - 1;
  }
  return [...parts, text.slice(start)];
}

function withoutOuterBrackets(text: string): string {
  if (!text.startsWith('(')) return text;
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === '"') index = endOfString(text, index);
    else if (character === '(') depth++;
    else if (character === ')' && --depth === 0) return index === text.length - 1 ? withoutOuterBrackets(text.slice(1, -1).trim()) : text;
  }
  return text;
}

/** The index of the quote that ends the string which starts at `start`. */
function endOfString(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index++) {
    if (text.charAt(index) === '\\') index++;
    else if (text.charAt(index) === '"') return index;
  }
  throw new Error(`A string does not end: ${text}`);
}
