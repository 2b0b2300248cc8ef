/** The part of RFC 6902 that the overlays use: add, replace, remove and test. Pure: the document is copied, never changed. */

export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove' | 'test';
  readonly path: string;
  readonly value?: unknown;
}

type Node = Record<string, unknown> | unknown[];

/**
 * Applies the operations in their order.
 * @throws Error that names the operation which does not fit the document. Source: RFC 6902 section 4.
 */
export function applyPatch<T>(document: T, operations: readonly PatchOperation[]): T {
  const copy = structuredClone(document);
  for (const operation of operations) apply(copy, operation);
  return copy;
}

function apply(document: unknown, operation: PatchOperation): void {
  const steps = operation.path.split('/').slice(1).map(unescaped);
  const last = steps.pop();
  const parent = steps.reduce<unknown>((node, step) => child(node, step), document);
  const does = `${operation.op} ${operation.path}`;
  if (last === undefined || typeof parent !== 'object' || parent === null) throw new Error(`${does}: there is nothing above it.`);
  const node = parent as Node;
  const exists = child(node, last) !== undefined;
  if (operation.op !== 'add' && !exists) throw new Error(`${does}: there is nothing.`);
  if (operation.op === 'test') {
    if (JSON.stringify(child(node, last)) !== JSON.stringify(operation.value))
      throw new Error(`${does}: it is ${JSON.stringify(child(node, last))}.`);
  } else if (Array.isArray(node)) {
    const index = last === '-' ? node.length : Number(last);
    if (!Number.isInteger(index) || index > node.length) throw new Error(`${does}: there is no such place in a list.`);
    node.splice(index, operation.op === 'add' ? 0 : 1, ...(operation.op === 'remove' ? [] : [structuredClone(operation.value)]));
  } else if (operation.op === 'remove') {
    delete node[last];
  } else {
    node[last] = structuredClone(operation.value);
  }
}

function child(node: unknown, step: string): unknown {
  if (Array.isArray(node)) return node[Number(step)];
  if (typeof node === 'object' && node !== null && Object.hasOwn(node, step)) return (node as Record<string, unknown>)[step];
  return undefined;
}

function unescaped(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~');
}
