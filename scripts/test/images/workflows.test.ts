import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { imageTargets } from '../../src/images/image-commands.js';

interface Job {
  readonly if?: string;
  readonly strategy?: { readonly matrix?: { readonly target?: readonly string[]; readonly node?: readonly number[] } };
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly { readonly uses?: string; readonly run?: string; readonly with?: Readonly<Record<string, unknown>> }[];
}

interface Workflow {
  readonly on: { readonly push?: { readonly tags?: readonly string[] } };
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

function workflow(name: string): { text: string; content: Workflow } {
  const text = readFileSync(fileURLToPath(new URL(`../../../.github/workflows/${name}.yml`, import.meta.url)), 'utf8');
  return { text, content: parse(text) as Workflow };
}

it('CI runs everything on Node 20, 22 and 24', () => {
  const job = workflow('ci').content.jobs['test'];
  expect(job?.strategy?.matrix?.node).toEqual([20, 22, 24]);
  expect(job?.steps.find((step) => step.uses?.startsWith('actions/setup-node@'))?.with?.['node-version']).toBe('${{ matrix.node }}');
});

it('a tag publishes every image, after compose.yaml was brought up with it', () => {
  const { on, jobs } = workflow('images').content;
  expect(on.push?.tags).toEqual(['v*']);
  expect(jobs['publish']).toMatchObject({ if: "startsWith(github.ref, 'refs/tags/v')", needs: 'compose' });
  expect(jobs['publish']?.strategy?.matrix?.target).toEqual([...imageTargets]);
});

it('only the publishing job may write, and only packages', () => {
  for (const name of ['ci', 'images']) {
    const { content } = workflow(name);
    expect(content.permissions).toEqual({ contents: 'read' });
    for (const [job, { permissions = {} }] of Object.entries(content.jobs)) {
      const writes = Object.entries(permissions).filter(([, level]) => level === 'write');
      expect(writes).toEqual(job === 'publish' ? [['packages', 'write']] : []);
    }
  }
});

it('actions of others are pinned by commit, and no expression is pasted into a shell', () => {
  for (const name of ['ci', 'images']) {
    for (const { steps } of Object.values(workflow(name).content.jobs)) {
      for (const { uses, run } of steps) {
        if (uses !== undefined) expect(uses).toMatch(/@[0-9a-f]{40}$/);
        expect(run ?? '').not.toContain('${{');
      }
    }
  }
});
