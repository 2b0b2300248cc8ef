import type { Definition, KubernetesSchemas } from './schema.js';

/** The part of Kubernetes' OpenAPI documents that describes some kinds, without what only people read. Pure. */

/** An OpenAPI 3 document of one group and version, as the API server and kubectl-validate have them. */
export interface OpenApiDocument {
  readonly components: { readonly schemas: Readonly<Record<string, OpenApiSchema>> };
}

interface OpenApiSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly additionalProperties?: OpenApiSchema | boolean;
  readonly items?: OpenApiSchema;
  readonly oneOf?: readonly OpenApiSchema[];
  readonly allOf?: readonly OpenApiSchema[];
  readonly $ref?: string;
  readonly 'x-kubernetes-group-version-kind'?: readonly { readonly group: string; readonly version: string; readonly kind: string }[];
}

const REFERENCE = '#/components/schemas/';

/**
 * The definitions of the kinds, and all that these refer to.
 * @param kinds `apiVersion/kind`, such as `apps/v1/Deployment` and `v1/Service`.
 * @throws Error when a kind is in none of the documents.
 */
export function extract(documents: readonly OpenApiDocument[], kinds: readonly string[], version: string): KubernetesSchemas {
  const all = Object.assign({}, ...documents.map((document) => document.components.schemas)) as Record<string, OpenApiSchema>;
  const names = kinds.map((wanted) => {
    const found = Object.entries(all).find(([, schema]) =>
      (schema['x-kubernetes-group-version-kind'] ?? []).some(
        ({ group, version: of, kind }) => `${group === '' ? '' : `${group}/`}${of}/${kind}` === wanted,
      ),
    );
    if (found === undefined) throw new Error(`Kubernetes ${version} has no ${wanted}.`);
    return [wanted, found[0]] as const;
  });
  const definitions: Record<string, Definition> = {};
  const waiting = names.map(([, name]) => name);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (definitions[name] !== undefined) continue;
    const schema = all[name];
    if (schema === undefined) throw new Error(`There is no definition of ${name}.`);
    definitions[name] = definitionOf(schema, waiting);
  }
  return { version, kinds: Object.fromEntries(names), definitions: Object.fromEntries(Object.entries(definitions).toSorted(byKey)) };
}

/** What the check of a document reads; referred names are added to `waiting`. A manifest has no status: the cluster writes it. */
function definitionOf(schema: OpenApiSchema, waiting: string[]): Definition {
  const [only] = schema.allOf ?? [];
  const reference = schema.$ref ?? only?.$ref;
  if (reference !== undefined) {
    const name = reference.slice(REFERENCE.length);
    waiting.push(name);
    return { $ref: name };
  }
  const { type, enum: words, required, properties, additionalProperties, items, oneOf } = schema;
  const fields = Object.entries(properties ?? {}).filter(([name]) => name !== 'status');
  return {
    ...(type === undefined ? {} : { type }),
    ...(words === undefined ? {} : { enum: words }),
    ...(required === undefined ? {} : { required }),
    ...(properties === undefined
      ? {}
      : { properties: Object.fromEntries(fields.map(([name, field]) => [name, definitionOf(field, waiting)])) }),
    ...(additionalProperties === undefined
      ? {}
      : {
          additionalProperties:
            typeof additionalProperties === 'boolean' ? additionalProperties : definitionOf(additionalProperties, waiting),
        }),
    ...(items === undefined ? {} : { items: definitionOf(items, waiting) }),
    ...(oneOf === undefined ? {} : { oneOf: oneOf.map((choice) => definitionOf(choice, waiting)) }),
  };
}

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}
