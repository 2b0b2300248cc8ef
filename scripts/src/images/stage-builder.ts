import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, lstatSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { baseRoot } from './base-roots.js';
import { contextFiles, copiesOf, copyInto, hashOfCopies, ignoredBy } from './context.js';
import { type CopyStep, type Dockerfile, type ImageConfig, type RunStep, stageOf, type Step } from './dockerfile.js';
import { commandInside, homeOf, mountLayers, mountSystem, run, unmount } from './mounts.js';

/**
 * Follows a Dockerfile's steps in roots of this machine. A stage's changes are one layer, kept together with the keys of the steps that made
 * it: a step whose text, sources and predecessors are the same is not done again, and a build that was cut short goes on where it was.
 */

export interface BuiltStage {
  readonly name: string;
  /** Folders, the first on top: what the stage itself changed, then what it stands on. */
  readonly layers: readonly string[];
  readonly config: ImageConfig;
  /** Changes with anything that went into it. */
  readonly key: string;
}

export interface BuilderOptions {
  readonly dockerfile: Dockerfile;
  /** The folder that is built in. */
  readonly context: string;
  /** Where layers are kept. */
  readonly store: string;
  /** What RUN steps get of this machine to reach package registries. */
  readonly host: HostNetwork;
  readonly say: (text: string) => void;
}

/** How this machine reaches package registries. */
export interface HostNetwork {
  readonly env: Readonly<Record<string, string>>;
  readonly caFile: string | null;
}

/** The steps of a stage's layer: those done, and the one that was begun. */
interface Progress {
  readonly done: readonly string[];
  readonly begun: string | null;
}

const STILL_RUNNING_MS = 30_000;
const TAIL_LINES = 40;

export class StageBuilder {
  readonly #options: BuilderOptions;
  readonly #files: readonly string[];
  readonly #built = new Map<string, BuiltStage>();

  constructor(options: BuilderOptions) {
    this.#options = options;
    const { context } = options;
    this.#files = contextFiles(context, ignoredBy(readFileSync(join(context, '.dockerignore'), 'utf8')));
  }

  /** Builds a stage and what it needs, as far as that is not there. @throws Error with the end of what a failing step said. */
  async build(name: string): Promise<BuiltStage> {
    const known = this.#built.get(name);
    if (known !== undefined) return known;
    const { dockerfile, store, say } = this.#options;
    const { base, steps, config } = stageOf(dockerfile, name);
    const parent = 'stage' in base ? await this.build(base.stage) : baseRoot(base.image, store, say);
    for (const step of steps) if (step.kind === 'copy' && step.from !== null) await this.build(step.from);
    const keys = this.#keysOf(steps, parent.key);
    const folder = join(store, 'stages', name);
    const from = startOf(readProgress(folder), keys);
    if (from === 0) rmSync(folder, { recursive: true, force: true });
    if (from < keys.length) await this.#follow(name, steps, keys, from, parent.layers);
    const stage = { name, layers: [join(folder, 'upper'), ...parent.layers], config, key: keys.at(-1) ?? parent.key };
    mkdirSync(join(folder, 'upper'), { recursive: true });
    this.#built.set(name, stage);
    return stage;
  }

  async #follow(name: string, steps: readonly Step[], keys: readonly string[], from: number, lower: readonly string[]): Promise<void> {
    const folder = join(this.#options.store, 'stages', name);
    const root = join(folder, 'root');
    const writable = { upper: join(folder, 'upper'), work: join(folder, 'work') };
    mountLayers(root, lower, writable);
    try {
      for (const [index, step] of steps.entries()) {
        const key = keys[index];
        if (index < from || key === undefined) continue;
        const done = keys.slice(0, index);
        writeProgress(folder, { done, begun: key });
        await this.#do(name, step, root);
        writeProgress(folder, { done: [...done, key], begun: null });
      }
    } finally {
      unmount(root);
    }
  }

  async #do(name: string, step: Step, root: string): Promise<void> {
    if (step.kind === 'folder') mkdirSync(join(root, step.path), { recursive: true });
    else if (step.kind === 'run') await this.#run(name, step, root);
    else if (step.from === null) copyInto(this.#options.context, copiesOf(this.#files, step.sources, step.target), root);
    else this.#copyFromStage(step, step.from, root);
  }

  async #run(name: string, step: RunStep, root: string): Promise<void> {
    const { store, host, say } = this.#options;
    const caches = Object.fromEntries(step.caches.map((target) => [target, join(store, 'caches', target.replaceAll('/', '_'))]));
    mountSystem(root, { caFile: host.caFile, network: true, folders: caches });
    try {
      const env = { ...host.env, HOME: homeOf(step.user), ...step.env };
      const [command, args] = commandInside(root, { user: step.user, workdir: step.workdir, env }, ['/bin/sh', '-c', step.command]);
      const log = join(store, 'logs', `build-${name}.log`);
      await runLogged(command, args, log, `${name}: ${step.command.slice(0, 100)}`, say);
    } finally {
      for (const inside of ['proc', 'dev', 'etc/resolv.conf', 'etc/hosts', ...step.caches]) unmount(join(root, inside));
    }
  }

  /** As an engine does, it follows no links and gives everything to root. */
  #copyFromStage(step: CopyStep, from: string, root: string): void {
    const source = this.#built.get(from);
    if (source === undefined) throw new Error(`${from} is not built`);
    const view = join(this.#options.store, 'view');
    mountLayers(view, source.layers, null);
    try {
      for (const path of step.sources) {
        const found = join(view, path);
        const isFolder = lstatSync(found).isDirectory();
        const target = join(
          root,
          step.target.endsWith('/') && !isFolder ? join(step.target, basename(path)) : step.target.replace(/\/$/, ''),
        );
        mkdirSync(dirname(target), { recursive: true });
        run('cp', ['-a', '--no-preserve=ownership', '--no-target-directory', found, target]);
      }
    } finally {
      unmount(view);
    }
  }

  /** A key a step: it stands for everything that the step's result depends on. */
  #keysOf(steps: readonly Step[], parentKey: string): string[] {
    let key = parentKey;
    return steps.map((step) => {
      const { line: _, ...described } = step;
      key = createHash('sha256')
        .update(JSON.stringify([key, described, this.#sourceKey(step)]))
        .digest('hex');
      return key;
    });
  }

  #sourceKey(step: Step): string {
    if (step.kind !== 'copy') return '';
    if (step.from !== null) return this.#built.get(step.from)?.key ?? '';
    return hashOfCopies(this.#options.context, copiesOf(this.#files, step.sources, step.target));
  }
}

/** The first step that has to be done; 0 when what is there cannot be gone on with. */
export function startOf({ done, begun }: Progress, keys: readonly string[]): number {
  // What a step that was cut short has left behind is unknown.
  if (begun !== null || done.length > keys.length) return 0;
  return done.every((key, index) => key === keys[index]) ? done.length : 0;
}

function readProgress(folder: string): Progress {
  const file = join(folder, 'progress.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Progress) : { done: [], begun: null };
}

function writeProgress(folder: string, progress: Progress): void {
  writeFileSync(join(folder, 'progress.json'), JSON.stringify(progress));
}

/** Runs a program with its output in a log file. @throws Error with the end of its output when it fails. */
async function runLogged(command: string, args: readonly string[], log: string, what: string, say: (text: string) => void): Promise<void> {
  mkdirSync(dirname(log), { recursive: true });
  const fd = openSync(log, 'w');
  say(what);
  const startedMonoMs = performance.now();
  const seconds = () => Math.round((performance.now() - startedMonoMs) / 1000);
  const timer = setInterval(() => say(`  ... ${seconds()} s`), STILL_RUNNING_MS);
  const child = spawn(command, [...args], { stdio: ['ignore', fd, fd] });
  closeSync(fd);
  const end = await new Promise<string | number | null>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? code));
  });
  clearInterval(timer);
  if (end === 0) return say(`  done in ${seconds()} s`);
  const tail = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  throw new Error(`${what} failed (${end}); the end of ${log}:\n${tail}`);
}
