import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChildLog } from '../child-log.js';
import type { ImageConfig } from './dockerfile.js';
import { commandInside, homeOf, mountLayers, mountSystem, unmount } from './mounts.js';
import type { BuiltStage } from './stage-builder.js';

/** An image as containers see it: exactly the final stage's content, read-only for everybody, entered as the image's user. */
export class MountedImage {
  readonly root: string;
  readonly config: ImageConfig;

  /** @throws Error when something can be written there after all. */
  constructor(stage: BuiltStage, at: string) {
    this.root = at;
    this.config = stage.config;
    mountLayers(at, stage.layers, null);
    const fault = writeFault(join(at, stage.config.workdir));
    if (fault !== 'EROFS') throw new Error(`${stage.name} is not mounted read-only: writing to it ended with ${fault}`);
    mountSystem(at, { caFile: null, network: false, folders: {} });
  }

  /** Runs a program to its end. @returns its standard output. @throws Error with what it said when it fails. */
  run(name: string, argv: readonly string[], env: Readonly<Record<string, string>>): string {
    const [command, args] = this.#command(argv, env);
    const result = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 });
    if (result.status === 0) return result.stdout;
    throw new Error(
      `${name} failed (${result.error?.message ?? `exit ${result.status ?? result.signal}`}):\n${result.stdout}${result.stderr}`,
    );
  }

  /** Starts a service with its output in a log file. */
  start(name: string, argv: readonly string[], env: Readonly<Record<string, string>>, logFolder: string): ServiceProcess {
    // For finding chroot; the container's own environment is in the command.
    const path = { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin' };
    return new ServiceProcess(name, ...this.#command(argv, env), path, logFolder);
  }

  close(): void {
    unmount(this.root, true);
  }

  #command(argv: readonly string[], env: Readonly<Record<string, string>>): [command: string, args: string[]] {
    const { user, workdir, env: own } = this.config;
    return commandInside(this.root, { user, workdir, env: { HOME: homeOf(user), ...own, ...env } }, argv);
  }
}

/** A service under proof, in an image or not: one process that must live until it is asked to end. */
export class ServiceProcess {
  readonly name: string;
  readonly log: ChildLog;
  /** Resolves with how it ended: `exit code 0`, `SIGKILL`. */
  readonly ended: Promise<string>;
  readonly #process: ChildProcess;
  #end: string | null = null;

  constructor(name: string, command: string, args: readonly string[], env: Readonly<Record<string, string>>, logFolder: string) {
    this.name = name;
    this.log = new ChildLog(join(logFolder, `${name}.log`));
    const fd = this.log.open();
    this.#process = spawn(command, [...args], { env: { ...env }, stdio: ['ignore', fd, fd] });
    closeSync(fd);
    this.ended = new Promise((resolve) => {
      this.#process.once('error', (error) => resolve(error.message));
      this.#process.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    void this.ended.then((end) => (this.#end = end));
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** How it ended; null while it runs. */
  get end(): string | null {
    return this.#end;
  }

  /** Asks it to end as an engine does, and kills it when it has not after `limitMs`. @returns how it ended, and after how long. */
  async stop(limitMs: number): Promise<{ end: string; stopMs: number }> {
    const startedMonoMs = performance.now();
    this.#process.kill('SIGTERM');
    const limit = setTimeout(() => this.kill(), limitMs);
    const end = await this.ended;
    clearTimeout(limit);
    return { end, stopMs: Math.round(performance.now() - startedMonoMs) };
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

/** The code of the error that writing a file gives; `written` when it gives none. */
function writeFault(folder: string): string {
  try {
    writeFileSync(join(folder, 'written-by-the-proof'), '');
    return 'written';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}
