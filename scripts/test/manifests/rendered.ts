import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { readDockerfile } from '../../src/images/dockerfile.js';
import { idOf, type ManifestDocument } from '../../src/manifests/documents.js';
import { applyPatch, type PatchOperation } from '../../src/manifests/json-patch.js';
import { type Files, render } from '../../src/manifests/kustomize.js';
import type { MadeElsewhere } from '../../src/manifests/references.js';

/** The manifests as the tests read them: the committed files, as they are applied, and the same with a fault planted. */

export const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/** The documents of a YAML text. @throws Error with the place of a fault, warnings included. */
export function yamlDocuments(text: string, what: string): unknown[] {
  const parsed = parseAllDocuments(text);
  const documents = Array.isArray(parsed) ? parsed : [];
  for (const { errors, warnings } of documents)
    for (const fault of [...errors, ...warnings]) throw new Error(`${what}: ${fault.message}`, { cause: fault });
  return documents.map((document) => document.toJS() as unknown).filter((value) => value !== null);
}

export const files: Files = {
  text: (path) => readFileSync(join(root, path), 'utf8'),
  documents: (path) => yamlDocuments(readFileSync(join(root, path), 'utf8'), path),
};

/** Every file below `k8s/`, from the project's folder. */
export function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(`${folder}/${entry.name}`) : [`${folder}/${entry.name}`],
  );
}

/** What is applied: everything, and the two overlays. */
export const rendered: Readonly<Record<'k8s' | 'k8s/overlays/local' | 'k8s/overlays/prod', ManifestDocument[]>> = {
  k8s: render('k8s', files),
  'k8s/overlays/local': render('k8s/overlays/local', files),
  'k8s/overlays/prod': render('k8s/overlays/prod', files),
};

/** The Dockerfile of this repository. */
export const dockerfile = readDockerfile(files.text('Dockerfile'));

/** What scripts/deploy-all makes; its own test holds it to that. */
export const made: MadeElsewhere = {
  secrets: {
    'helios-secrets': [
      'DB_PASSWORD',
      'REDIS_PASSWORD',
      'KAFKA_SASL_USERNAME',
      'KAFKA_SASL_PASSWORD',
      'GRAFANA_ADMIN_PASSWORD',
      'GATEWAY_PASSWORD',
    ],
    'helios-gateway-users': ['users'],
    'helios-gateway-tls': ['tls.crt', 'tls.key'],
  },
  configMaps: { 'helios-ca': ['ca.crt'] },
};

/** A fault to plant: what it is, in which document, by which operations, and what the check then says. */
export type Plant = readonly [title: string, at: string, change: readonly PatchOperation[] | PatchOperation, says: RegExp | string];

/** The documents with one of them changed, or taken out when there is no operation. */
export function planted(
  documents: readonly ManifestDocument[],
  at: string,
  change: readonly PatchOperation[] | PatchOperation,
): ManifestDocument[] {
  const operations = Array.isArray(change) ? (change as readonly PatchOperation[]) : [change as PatchOperation];
  if (!documents.some((document) => idOf(document) === at)) throw new Error(`There is no ${at}.`);
  return documents.flatMap((document) => {
    if (idOf(document) !== at) return [document];
    return operations.length === 0 ? [] : [applyPatch(document, operations)];
  });
}

/** One test for each of the rendered sets, that a check finds nothing in it; and one for each planted fault, that it finds just that. */
export function holds(
  check: (documents: readonly ManifestDocument[]) => string[],
  plants: readonly Plant[],
  from: keyof typeof rendered = 'k8s',
): void {
  it.each(Object.entries(rendered))('holds for %s', (_, documents) => {
    expect(check(documents)).toEqual([]);
  });

  it.each(plants)('finds a planted fault: %s', (_, at, change, says) => {
    const faults = check(planted(rendered[from], at, change));
    expect(faults).toEqual(
      expect.arrayContaining([typeof says === 'string' ? expect.stringContaining(says) : expect.stringMatching(says)]),
    );
  });
}

/** Paths into the first container, and into the pod. */
export const container = '/spec/template/spec/containers/0';
export const pod = '/spec/template/spec';
