import type { Labels, ManifestDocument } from './documents.js';
import { applyPatch, type PatchOperation } from './json-patch.js';

/**
 * What `kubectl kustomize` makes of the files below `k8s/`, for machines that have no kubectl: the part of kustomize that those files use, and
 * an error for everything else. Generated ConfigMaps keep their plain names (kustomize appends a hash, and follows it in references). Pure:
 * files come in as functions. A test compares the two wherever kubectl is at hand.
 */

export interface Files {
  /** The text of a file. @throws when there is none. */
  readonly text: (path: string) => string;
  /** The YAML documents of a file, empty ones left out. */
  readonly documents: (path: string) => unknown[];
}

interface Patch {
  readonly path: string;
  readonly target?: Target;
}

interface Target {
  readonly kind?: string;
  readonly name?: string;
  readonly labelSelector?: string;
}

interface GeneratorOptions {
  readonly labels?: Labels;
}

interface ConfigMapGenerator {
  readonly name: string;
  readonly namespace: string;
  readonly files: readonly string[];
  readonly options?: GeneratorOptions;
}

interface Kustomization {
  readonly kind: string;
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  readonly patches?: readonly Patch[];
  readonly configMapGenerator?: readonly ConfigMapGenerator[];
  readonly generatorOptions?: GeneratorOptions;
}

const known: ReadonlySet<string> = new Set([
  'apiVersion',
  'kind',
  'resources',
  'components',
  'patches',
  'configMapGenerator',
  'generatorOptions',
]);

/** All documents that a folder with a `kustomization.yaml` stands for. @throws Error for what it does not know or find. */
export function render(folder: string, files: Files): ManifestDocument[] {
  return applied(folder, read(folder, 'Kustomization', files), [], files);
}

function read(folder: string, kind: string, files: Files): Kustomization {
  const [kustomization] = files.documents(`${folder}/kustomization.yaml`) as Kustomization[];
  if (kustomization?.kind !== kind) throw new Error(`${folder}/kustomization.yaml is no ${kind}.`);
  const unknown = Object.keys(kustomization).filter((key) => !known.has(key));
  if (unknown.length > 0) throw new Error(`${folder}/kustomization.yaml uses ${unknown.join(', ')}, which this does not know.`);
  return kustomization;
}

/** The documents given, those of the kustomization added, and its components and patches applied to them all. */
function applied(folder: string, kustomization: Kustomization, given: ManifestDocument[], files: Files): ManifestDocument[] {
  let documents = [
    ...given,
    ...(kustomization.resources ?? []).flatMap((resource) => resourcesAt(folder, resource, files)),
    ...(kustomization.configMapGenerator ?? []).map((generator) => generated(folder, generator, kustomization.generatorOptions, files)),
  ];
  for (const component of kustomization.components ?? []) {
    const at = joined(folder, component);
    documents = applied(at, read(at, 'Component', files), documents, files);
  }
  for (const patch of kustomization.patches ?? []) documents = patched(documents, folder, patch, files);
  return documents;
}

function resourcesAt(folder: string, resource: string, files: Files): ManifestDocument[] {
  const path = joined(folder, resource);
  if (!/\.ya?ml$/.test(resource)) return render(path, files);
  if (!path.startsWith(`${folder}/`))
    throw new Error(`${folder}/kustomization.yaml names ${resource}: kustomize takes no file from outside.`);
  return files.documents(path) as ManifestDocument[];
}

function generated(folder: string, generator: ConfigMapGenerator, shared: GeneratorOptions | undefined, files: Files): ManifestDocument {
  const data = generator.files.map((entry) => {
    const [first = '', second] = entry.split('=', 2);
    const file = second ?? first;
    return [second === undefined ? file.slice(file.lastIndexOf('/') + 1) : first, files.text(joined(folder, file))];
  });
  const labels = { ...shared?.labels, ...generator.options?.labels };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: generator.name, namespace: generator.namespace, labels },
    data: Object.fromEntries(data) as Labels,
  };
}

function patched(documents: readonly ManifestDocument[], folder: string, patch: Patch, files: Files): ManifestDocument[] {
  const path = joined(folder, patch.path);
  const [content] = files.documents(path);
  const { target } = patch;
  const hit = (document: ManifestDocument): boolean =>
    target === undefined ? isSame(document, content as ManifestDocument) : isMeant(document, target);
  if (!documents.some(hit)) throw new Error(`${path} fits no document.`);
  return documents.flatMap((document) => {
    if (!hit(document)) return [document];
    if (Array.isArray(content)) return [patchedBy(document, content as PatchOperation[], path)];
    if ((content as Record<string, unknown>)['$patch'] === 'delete') return [];
    return [merged(document, content as Record<string, unknown>, path)];
  });
}

function patchedBy(document: ManifestDocument, operations: readonly PatchOperation[], path: string): ManifestDocument {
  try {
    return applyPatch(document, operations);
  } catch (error) {
    throw new Error(`${path} does not fit ${document.kind}/${document.metadata.name}: ${(error as Error).message}`, { cause: error });
  }
}

/** Kustomize takes the kind and the name of a target for regular expressions over the whole of them. */
function isMeant(document: ManifestDocument, { kind, name, labelSelector }: Target): boolean {
  const whole = (pattern: string | undefined, text: string): boolean => pattern === undefined || new RegExp(`^(?:${pattern})$`).test(text);
  const labelled = (labelSelector ?? '').split(',').every((term) => {
    const [key = '', value] = term.split('=', 2);
    return key === '' || document.metadata.labels?.[key] === value;
  });
  return whole(kind, document.kind) && whole(name, document.metadata.name) && labelled;
}

function isSame(document: ManifestDocument, other: ManifestDocument): boolean {
  return (
    document.apiVersion === other.apiVersion &&
    document.kind === other.kind &&
    document.metadata.name === other.metadata.name &&
    document.metadata.namespace === other.metadata.namespace
  );
}

/** A strategic merge of objects; how a list would be merged depends on its field, so a patch with a list is refused. */
function merged<T extends Readonly<Record<string, unknown>>>(base: T, patch: Readonly<Record<string, unknown>>, path: string): T {
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    if (Array.isArray(value)) throw new Error(`${path} merges a list: write it as operations (RFC 6902).`);
    const at = result[key];
    result[key] = isObject(value) ? merged(isObject(at) ? at : {}, value, path) : value;
  }
  return result as T;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A relative path below a folder, with its `..` resolved. */
function joined(folder: string, path: string): string {
  const parts = folder.split('/');
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}
