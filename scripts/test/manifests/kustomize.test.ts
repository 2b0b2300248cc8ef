import { describe, expect, it } from 'vitest';
import { applyPatch } from '../../src/manifests/json-patch.js';
import { render } from '../../src/manifests/kustomize.js';
import { yamlDocuments } from './rendered.js';

const configMap = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings, labels: { app: a } }\ndata: { A: "1", B: "2" }\n';
const head = 'kind: Kustomization\n';

function rendering(texts: Readonly<Record<string, string>>) {
  const text = (path: string): string => {
    const found = texts[path];
    if (found === undefined) throw new Error(`There is no ${path}.`);
    return found;
  };
  return () => render('top', { text, documents: (path) => yamlDocuments(text(path), path) });
}

describe('the part of kustomize that is used', () => {
  it('takes resources, generates ConfigMaps, and merges patches', () => {
    const made = rendering({
      'top/kustomization.yaml': `${head}resources: [base]\nconfigMapGenerator: [{ name: files, namespace: n, files: [notes.txt, other=notes.txt] }]\npatches: [{ path: more.yaml }]\n`,
      'top/base/kustomization.yaml': `${head}resources: [settings.yaml]\n`,
      'top/base/settings.yaml': configMap,
      'top/notes.txt': 'hello\n',
      'top/more.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata: { B: "3" }\n',
    })();
    expect(made.map((document) => document['data'])).toEqual([
      { A: '1', B: '3' },
      { 'notes.txt': 'hello\n', other: 'hello\n' },
    ]);
  });

  it('applies a component to what is there, and removes by label', () => {
    const made = rendering({
      'top/kustomization.yaml': `${head}resources: [settings.yaml]\ncomponents: [none]\n`,
      'top/settings.yaml': configMap,
      'top/none/kustomization.yaml': 'kind: Component\npatches: [{ path: gone.yaml, target: { labelSelector: app=a } }]\n',
      'top/none/gone.yaml': '$patch: delete\napiVersion: v1\nkind: Any\nmetadata: { name: any }\n',
    });
    expect(made()).toEqual([]);
  });

  it.each([
    ['a field that it does not know', { 'top/kustomization.yaml': `${head}namePrefix: x-\n` }, 'uses namePrefix'],
    ['a file from outside', { 'top/kustomization.yaml': `${head}resources: [../a.yaml]\n`, 'a.yaml': configMap }, 'no file from outside'],
    [
      'a patch that fits nothing',
      {
        'top/kustomization.yaml': `${head}patches: [{ path: p.yaml, target: { kind: Job } }]\n`,
        'top/p.yaml': '- { op: remove, path: /a }\n',
      },
      'top/p.yaml fits no document',
    ],
    [
      'a patch that merges a list',
      {
        'top/kustomization.yaml': `${head}resources: [s.yaml]\npatches: [{ path: p.yaml, target: { kind: ConfigMap } }]\n`,
        'top/s.yaml': configMap,
        'top/p.yaml': 'data: [1]\n',
      },
      'merges a list',
    ],
    [
      'an operation that does not fit',
      {
        'top/kustomization.yaml': `${head}resources: [s.yaml]\npatches: [{ path: p.yaml, target: { name: set.* } }]\n`,
        'top/s.yaml': configMap,
        'top/p.yaml': '- { op: replace, path: /data/C, value: "1" }\n',
      },
      'top/p.yaml does not fit ConfigMap/settings: replace /data/C: there is nothing.',
    ],
  ])('refuses %s', (_, texts, says) => {
    expect(rendering(texts as unknown as Record<string, string>)).toThrow(says);
  });
});

describe('operations on a document', () => {
  const document = { list: [1, 2, 3], 'a/b': { c: 'd' } };

  it.each([
    [{ op: 'add', path: '/list/-', value: 4 }, { list: [1, 2, 3, 4] }],
    [{ op: 'add', path: '/list/0', value: 0 }, { list: [0, 1, 2, 3] }],
    [{ op: 'replace', path: '/list/1', value: 9 }, { list: [1, 9, 3] }],
    [{ op: 'remove', path: '/list/0' }, { list: [2, 3] }],
    [{ op: 'remove', path: '/a~1b/c' }, { 'a/b': {} }],
    [{ op: 'test', path: '/list/0', value: 1 }, {}],
  ] as const)('%j', (operation, changed) => {
    expect(applyPatch(document, [operation])).toEqual({ ...document, ...changed });
    expect(document).toEqual({ list: [1, 2, 3], 'a/b': { c: 'd' } });
  });

  it.each([
    [{ op: 'test', path: '/list/0', value: 2 }, 'it is 1'],
    [{ op: 'replace', path: '/list/3', value: 2 }, 'there is nothing'],
    [{ op: 'add', path: '/list/5', value: 2 }, 'no such place in a list'],
    [{ op: 'add', path: '/x/y', value: 2 }, 'there is nothing above it'],
  ] as const)('%j does not fit', (operation, says) => {
    expect(() => applyPatch(document, [operation])).toThrow(says);
  });
});
