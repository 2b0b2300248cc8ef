import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { allocatorEnv, heapOptions } from '../../src/service-memory.js';
import { nodeVersionOf } from '../../src/images/base-roots.js';
import { contextFiles, copiesOf, ignoredBy } from '../../src/images/context.js';
import { baseImage, type CopyStep, readDockerfile, type Stage, stageOf } from '../../src/images/dockerfile.js';
import { argvIn, imageTargets, targetOfProgram } from '../../src/images/image-commands.js';
import { serviceSchemas } from '../../src/service-schemas.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');
const dockerfile = readDockerfile(textOf('Dockerfile'));
const targets = imageTargets.map((name) => stageOf(dockerfile, name));
const { version, workspaces } = JSON.parse(textOf('package.json')) as { version: string; workspaces: string[] };
const files = contextFiles(root, ignoredBy(textOf('.dockerignore')));
const copies = ({ steps }: Stage) => steps.filter((step): step is CopyStep => step.kind === 'copy');

describe('every image', () => {
  it.each(targets.map((stage) => [stage.name, stage] as const))(
    '%s runs as nobody in particular, by the exec form, in production',
    (name, { config }) => {
      expect(config.user).toMatch(/^[1-9]\d{4}:[1-9]\d{4}$/);
      expect(config.entrypoint).toEqual(['node', ...heapOptions, expect.stringMatching(new RegExp(`^${name}/dist/`))]);
      expect(config.env).toMatchObject({ NODE_ENV: 'production', BIND_HOST: '0.0.0.0', ADMIN_PORT: '9100', ...allocatorEnv });
      expect(config.ports).toContain('9100');
    },
  );

  it.each(targets.map((stage) => [stage.name, stage] as const))('%s says what it is, in the labels of the OCI', (name, { config }) => {
    const label = (key: string) => config.labels[`org.opencontainers.image.${key}`];
    expect(label('title')).toBe(`helios-${name}`);
    expect(label('version')).toBe(version);
    expect(label('licenses')).toBe('Apache-2.0');
    for (const key of ['description', 'source', 'documentation', 'revision']) expect(label(key), key).toBeTruthy();
  });

  it('stands on one small base, and on nothing that was used to build', () => {
    for (const { name, base } of targets) {
      expect(base).toEqual({ stage: 'base' });
      expect(baseImage(dockerfile, name)).toMatch(/^debian:/);
    }
  });

  it('gets its own packages, and of the programs its own and what these share', () => {
    for (const stage of targets) {
      const taken = copies(stage).map(({ from, sources }) => `${from} ${sources.join(' ')}`);
      expect(taken).toEqual([
        `${stage.name}-modules /helios/node_modules`,
        'build /app/proto',
        'build /app/runtime',
        `build /app/${stage.name}`,
      ]);
      const install = stageOf(dockerfile, `${stage.name}-modules`).steps.find((step) => step.kind === 'run');
      expect(install?.kind === 'run' && install.command).toBe(`npm ci --omit=dev --workspace @helios/${stage.name}`);
    }
  });

  it('that speaks to Kafka loads the native modules in the build, as its own user', () => {
    for (const stage of targets) {
      const uses = (name: string) =>
        Object.keys((JSON.parse(textOf(`${stage.name}/package.json`)) as { dependencies: object }).dependencies).includes(name);
      const checks = stage.steps.flatMap((step) => (step.kind === 'run' ? [step] : []));
      const kafka = stage.name === 'engine' || stage.name === 'analytics';
      expect(checks).toHaveLength(kafka ? 1 : 0);
      if (!kafka) continue;
      expect(checks[0]?.user).toBe(stage.config.user);
      for (const part of ['node-rdkafka', 'ssl', 'sasl_scram', ...(uses('uWebSockets.js') ? ['uWebSockets.js'] : [])])
        expect(checks[0]?.command).toContain(part);
    }
  });
});

it('every service has an image that starts it', () => {
  for (const { command } of serviceSchemas) {
    const [, ...args] = command.split(' ');
    const { config } = stageOf(dockerfile, targetOfProgram(args));
    expect(argvIn(config, args)).toEqual(['node', ...heapOptions, ...args]);
    expect(config.entrypoint.at(-1)).toBe(args[0]);
  }
});

it('images of elsewhere are pinned to the patch and by digest, and are of one Debian', () => {
  const images = [...dockerfile.values()].flatMap(({ base }) => ('image' in base ? [base.image] : []));
  expect(images).toHaveLength(2);
  for (const image of images) expect(image).toMatch(/^(node:24\.\d+\.\d+-trixie-slim|debian:trixie-\d{8}-slim)@sha256:[0-9a-f]{64}$/);
  expect(images.map(nodeVersionOf)).toEqual([expect.stringMatching(/^24\./), null]);
  expect(() => nodeVersionOf('alpine:3.22')).toThrow('alpine:3.22 is neither');
});

it('npm finds the package.json of every workspace', () => {
  const given = copies(stageOf(dockerfile, 'manifests')).flatMap(({ sources }) => sources);
  for (const workspace of workspaces) expect(given).toContain(`${workspace}/package.json`);
});

it('every file that is copied into an image is there, and none that .dockerignore leaves out', () => {
  for (const stage of dockerfile.values())
    for (const { from, sources, target } of copies(stage))
      if (from === null && stage.name !== 'test')
        expect(copiesOf(files, sources, target).length, `${stage.name}: ${sources.join(' ')}`).toBeGreaterThan(0);
  expect(files.filter((path) => /(^|\/)(node_modules|dist|\.git|\.helios)(\/|$)/.test(path))).toEqual([]);
});

it('the build compiles every workspace that an image has, and nothing else is compiled', () => {
  const commands = stageOf(dockerfile, 'build').steps.flatMap((step) => (step.kind === 'run' ? [step.command] : []));
  const compiled =
    commands
      .find((command) => command.includes('tsc -b'))
      ?.split(' ')
      .slice(2) ?? [];
  expect(compiled.toSorted()).toEqual([...imageTargets].toSorted());
  const copied = copies(stageOf(dockerfile, 'build'))
    .flatMap(({ sources }) => sources)
    .filter((source) => workspaces.includes(source));
  expect(copied.toSorted()).toEqual(['proto', 'runtime', ...imageTargets].toSorted());
  // The migrations are no TypeScript: they are taken by name.
  expect(commands.join('\n')).toContain('analytics/migrations');
  expect(readdirSync(join(root, 'analytics/migrations')).length).toBeGreaterThan(0);
  expect(existsSync(join(root, 'dashboard/public'))).toBe(false);
});
