import { posix } from 'node:path';
import {
  assignments,
  DockerfileError,
  execForm,
  type InstructionText,
  instructionTexts,
  type Variables,
  words,
} from './dockerfile-lines.js';

/**
 * What a Dockerfile says to do, stage by stage. It knows the instructions and options that this project's Dockerfile uses; any other is an
 * error, so that what is proven by following it is what an engine builds. Pure. Source: Docker's reference of the Dockerfile.
 */

/** What an image says of the containers made from it. */
export interface ImageConfig {
  readonly env: Variables;
  readonly workdir: string;
  /** `uid:gid`. */
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly labels: Variables;
  readonly ports: readonly string[];
}

export interface RunStep {
  readonly kind: 'run';
  readonly line: number;
  readonly command: string;
  /** Folders that are kept between builds and are no part of the image. */
  readonly caches: readonly string[];
  readonly workdir: string;
  readonly user: string;
  readonly env: Variables;
}

export interface CopyStep {
  readonly kind: 'copy';
  readonly line: number;
  /** A stage; null for the folder that is built in. */
  readonly from: string | null;
  readonly sources: readonly string[];
  /** Absolute; ends with `/` when it is a folder to copy into. */
  readonly target: string;
}

/** WORKDIR makes its folder. */
export interface FolderStep {
  readonly kind: 'folder';
  readonly line: number;
  readonly path: string;
}

export type Step = RunStep | CopyStep | FolderStep;

export interface Stage {
  readonly name: string;
  /** What it begins with: an image of elsewhere, or an earlier stage. */
  readonly base: { readonly image: string } | { readonly stage: string };
  readonly steps: readonly Step[];
  readonly config: ImageConfig;
}

/** Stages by name, in the order written. */
export type Dockerfile = ReadonlyMap<string, Stage>;

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const emptyConfig: ImageConfig = { env: { PATH }, workdir: '/', user: '0:0', entrypoint: [], cmd: [], labels: {}, ports: [] };

/**
 * Reads a Dockerfile.
 * @param buildArgs values of ARGs, instead of their defaults.
 * @throws DockerfileError on anything that is not followed exactly.
 */
export function readDockerfile(text: string, buildArgs: Variables = {}): Dockerfile {
  const stages = new Map<string, Stage>();
  const globals: Record<string, string> = {};
  let open: OpenStage | null = null;
  for (const instruction of instructionTexts(text)) {
    if (instruction.keyword === 'FROM') {
      if (open !== null) stages.set(open.name, open.close());
      open = OpenStage.of(instruction, stages, globals, buildArgs);
    } else if (open !== null) open.take(instruction);
    else if (instruction.keyword === 'ARG') Object.assign(globals, argument(instruction, {}, buildArgs));
    else throw new DockerfileError(instruction.line, `${instruction.keyword} stands before the first FROM`);
  }
  if (open === null) throw new DockerfileError(1, 'there is no FROM');
  stages.set(open.name, open.close());
  return stages;
}

/** The image that a stage finally stands on, through all stages in between. */
export function baseImage(dockerfile: Dockerfile, name: string): string {
  const { base } = stageOf(dockerfile, name);
  return 'image' in base ? base.image : baseImage(dockerfile, base.stage);
}

/** @throws Error when there is no such stage. */
export function stageOf(dockerfile: Dockerfile, name: string): Stage {
  const stage = dockerfile.get(name);
  if (stage === undefined) throw new Error(`The Dockerfile has no stage ${name}; there are: ${[...dockerfile.keys()].join(', ')}.`);
  return stage;
}

/** A stage while its instructions are read. */
class OpenStage {
  readonly name: string;
  readonly #base: Stage['base'];
  readonly #stages: ReadonlyMap<string, Stage>;
  readonly #globals: Variables;
  readonly #buildArgs: Variables;
  readonly #steps: Step[] = [];
  #config: ImageConfig;
  #args: Variables = {};

  private constructor(
    name: string,
    base: Stage['base'],
    stages: ReadonlyMap<string, Stage>,
    globals: Variables,
    buildArgs: Variables,
    config: ImageConfig,
  ) {
    this.name = name;
    this.#base = base;
    this.#stages = stages;
    this.#globals = globals;
    this.#buildArgs = buildArgs;
    this.#config = config;
  }

  static of(instruction: InstructionText, stages: ReadonlyMap<string, Stage>, globals: Variables, buildArgs: Variables): OpenStage {
    noFlags(instruction);
    const [from, as, name, ...more] = words(instruction, globals);
    if (from === undefined || as?.toUpperCase() !== 'AS' || name === undefined || more.length > 0)
      throw new DockerfileError(instruction.line, 'only FROM image AS name is followed');
    if (stages.has(name)) throw new DockerfileError(instruction.line, `there are two stages ${name}`);
    const earlier = stages.get(from);
    const base = earlier === undefined ? { image: from } : { stage: from };
    return new OpenStage(name, base, stages, globals, buildArgs, earlier?.config ?? emptyConfig);
  }

  take(instruction: InstructionText): void {
    const { keyword, line } = instruction;
    if (keyword === 'RUN') return void this.#steps.push(this.#run(instruction));
    if (keyword === 'COPY') return void this.#steps.push(this.#copy(instruction));
    noFlags(instruction);
    if (keyword === 'ARG') {
      this.#args = { ...this.#args, ...argument(instruction, this.#globals, this.#buildArgs) };
    } else if (keyword === 'ENV') {
      this.#set({ env: { ...this.#config.env, ...assignments(instruction, this.#variables) } });
    } else if (keyword === 'LABEL') {
      this.#set({ labels: { ...this.#config.labels, ...assignments(instruction, this.#variables) } });
    } else if (keyword === 'EXPOSE') {
      this.#set({ ports: [...this.#config.ports, ...words(instruction, this.#variables)] });
    } else if (keyword === 'WORKDIR') {
      const path = posix.resolve(this.#config.workdir, this.#one(instruction));
      this.#set({ workdir: path });
      this.#steps.push({ kind: 'folder', line, path });
    } else if (keyword === 'USER') {
      const user = this.#one(instruction);
      if (!/^\d+:\d+$/.test(user)) throw new DockerfileError(line, `USER ${user} is not uid:gid in numbers, which Kubernetes can check`);
      this.#set({ user });
    } else if (keyword === 'ENTRYPOINT') {
      this.#set({ entrypoint: execForm(instruction), cmd: [] });
    } else if (keyword === 'CMD') {
      this.#set({ cmd: execForm(instruction) });
    } else {
      throw new DockerfileError(line, `${keyword} is no instruction that scripts/prove-images follows`);
    }
  }

  close(): Stage {
    return { name: this.name, base: this.#base, steps: this.#steps, config: this.#config };
  }

  get #variables(): Variables {
    return { ...this.#args, ...this.#config.env };
  }

  #set(change: Partial<ImageConfig>): void {
    this.#config = { ...this.#config, ...change };
  }

  #one(instruction: InstructionText): string {
    const [word, ...more] = words(instruction, this.#variables);
    if (word === undefined || more.length > 0) throw new DockerfileError(instruction.line, `${instruction.keyword} takes one word`);
    return word;
  }

  #run({ line, flags, rest }: InstructionText): RunStep {
    if (rest.startsWith('[')) throw new DockerfileError(line, 'RUN is followed in the shell form only');
    const caches = flags.map(({ name, value }) => {
      const target = /^type=cache,target=(\/[^,]+)$/.exec(value)?.[1];
      if (name !== 'mount' || target === undefined)
        throw new DockerfileError(line, `RUN --${name}=${value} is not followed, only --mount=type=cache,target=FOLDER`);
      return target;
    });
    const { workdir, user } = this.#config;
    return { kind: 'run', line, command: rest, caches, workdir, user, env: this.#variables };
  }

  #copy(instruction: InstructionText): CopyStep {
    const { line, flags } = instruction;
    let from: string | null = null;
    for (const { name, value } of flags) {
      if (name !== 'from') throw new DockerfileError(line, `COPY --${name} is not followed`);
      if (!this.#stages.has(value)) throw new DockerfileError(line, `COPY --from=${value} names no earlier stage`);
      from = value;
    }
    const sources = words(instruction, this.#variables);
    const target = sources.pop();
    if (target === undefined || sources.length === 0) throw new DockerfileError(line, 'COPY takes sources and a target');
    for (const source of sources) {
      if (/[*?[]/.test(source)) throw new DockerfileError(line, `COPY ${source}: patterns are not followed`);
      if (posix.normalize(source).startsWith('..')) throw new DockerfileError(line, `COPY ${source} leaves the folder that is built in`);
    }
    if (sources.length > 1 && !target.endsWith('/'))
      throw new DockerfileError(line, `COPY of several sources needs a target that ends with /`);
    const absolute = posix.resolve(this.#config.workdir, target);
    return { kind: 'copy', line, from, sources, target: target.endsWith('/') ? `${absolute}/` : absolute };
  }
}

/** A variable that a build may set; without a value of its own it has that of the same name before the first FROM. */
function argument(instruction: InstructionText, globals: Variables, buildArgs: Variables): Record<string, string> {
  noFlags(instruction);
  const [word, ...more] = words(instruction, globals);
  const [, name, , fallback] = /^(\w+)(=(.*))?$/s.exec(word ?? '') ?? [];
  if (name === undefined || more.length > 0) throw new DockerfileError(instruction.line, 'ARG takes NAME or NAME=value');
  const value = buildArgs[name] ?? fallback ?? globals[name];
  return value === undefined ? {} : { [name]: value };
}

function noFlags({ line, keyword, flags }: InstructionText): void {
  if (flags[0] !== undefined) throw new DockerfileError(line, `${keyword} --${flags[0].name} is not followed`);
}
