import { idOf, type ManifestDocument } from './documents.js';

/**
 * Whether a document is what Kubernetes says that its kind is: types, required fields, closed lists of words, and no field that is unknown.
 * The definitions are Kubernetes' own (`scripts/kubernetes`). Pure.
 */

/** What is read of a definition of the OpenAPI document. */
export interface Definition {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Definition>>;
  readonly additionalProperties?: Definition | boolean;
  readonly items?: Definition;
  readonly oneOf?: readonly Definition[];
  readonly $ref?: string;
}

export interface KubernetesSchemas {
  readonly version: string;
  /** Name of the definition by `apiVersion/kind`. */
  readonly kinds: Readonly<Record<string, string>>;
  readonly definitions: Readonly<Record<string, Definition>>;
}

/** Every fault of a document, as sentences with the path to the field. */
export function schemaFaults(document: ManifestDocument, schemas: KubernetesSchemas): string[] {
  const name = schemas.kinds[`${document.apiVersion}/${document.kind}`];
  if (name === undefined)
    return [`${idOf(document)}: Kubernetes ${schemas.version} has no ${document.kind} of ${document.apiVersion} here.`];
  const faults: string[] = [];
  check(document, { $ref: name }, '', schemas, faults);
  return faults.map((fault) => `${idOf(document)}: ${fault}`);
}

function check(value: unknown, definition: Definition, path: string, schemas: KubernetesSchemas, faults: string[]): void {
  if (definition.$ref !== undefined) {
    const referred = schemas.definitions[definition.$ref];
    if (referred === undefined) throw new Error(`There is no definition of ${definition.$ref}.`);
    check(value, referred, path, schemas, faults);
    return;
  }
  if (definition.oneOf !== undefined) {
    const types = definition.oneOf.map((choice) => choice.type ?? 'any');
    if (!types.some((type) => isOfType(value, type))) faults.push(`${path} must be of type ${types.join(' or ')}`);
    return;
  }
  const { type } = definition;
  if (type !== undefined && !isOfType(value, type)) {
    faults.push(`${path} must be of type ${type}`);
    return;
  }
  if (definition.enum !== undefined && !definition.enum.includes(value))
    faults.push(`${path} must be one of ${definition.enum.join(', ')}`);
  if (type === 'array') {
    for (const [index, item] of (value as unknown[]).entries()) check(item, definition.items ?? {}, `${path}[${index}]`, schemas, faults);
  } else if (type === 'object') {
    checkObject(value as Record<string, unknown>, definition, path, schemas, faults);
  }
}

function checkObject(
  value: Record<string, unknown>,
  definition: Definition,
  path: string,
  schemas: KubernetesSchemas,
  faults: string[],
): void {
  const { properties, additionalProperties, required } = definition;
  const below = (key: string): string => (path === '' ? key : `${path}.${key}`);
  for (const key of required ?? []) if (value[key] === undefined || value[key] === null) faults.push(`${below(key)} is missing`);
  // An object without properties holds what anybody likes.
  if (properties === undefined && additionalProperties === undefined) return;
  for (const [key, child] of Object.entries(value)) {
    const known = properties?.[key] ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
    if (known !== undefined) check(child, known, below(key), schemas, faults);
    else if (additionalProperties !== true) faults.push(`${below(key)} is no field that Kubernetes ${schemas.version} knows`);
  }
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'any':
      return true;
    default:
      return typeof value === type;
  }
}
