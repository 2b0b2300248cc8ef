import { setTimeout as sleep } from 'node:timers/promises';
import { BackgroundService } from './background-service.js';
import { isPrinted, outputProblem } from './expected-output.js';
import type { Block, Expected, Fault, LocalBlock, StartBlock, StopBlock, WalkPage } from './page.js';
import { type ScriptResult, ShellSession } from './shell-session.js';
import type { WalkPorts } from './walk-ports.js';

/**
 * Walks a page: runs its local blocks in order, in one shell, with what it starts beside it, and compares what they print with what the page
 * shows. The first fault ends the walk; whatever was started is ended with it.
 */

/** How long things may take. */
export interface WalkLimits {
  readonly commandMs: number;
  readonly startMs: number;
  readonly stopMs: number;
}

export const walkLimits: WalkLimits = { commandMs: 120_000, startMs: 180_000, stopMs: 60_000 };

export interface WalkSurroundings {
  /** The project's folder: commands run there. */
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly ports: WalkPorts;
  readonly limits: WalkLimits;
  /** Aborts: the walk ends after the block that runs. */
  readonly signal: AbortSignal;
  /** Gets a line when a block is done. */
  readonly say: (line: string) => void;
}

const AGAIN_MS = 500;
/** Lines of a service's output in a message. */
const TAIL_LINES = 25;

/** @returns how many blocks were run, and the fault that ended the walk; null: none. */
export async function runPage(
  page: WalkPage,
  surroundings: WalkSurroundings,
): Promise<{ readonly run: number; readonly fault: Fault | null }> {
  const walk = new Walk(surroundings);
  let run = 0;
  try {
    for (const block of page.blocks) {
      if (!isRun(block)) continue;
      if (surroundings.signal.aborted) return { run, fault: { page: page.path, line: block.line, why: 'the walk was stopped' } };
      const startedMonoMs = performance.now();
      const why = await walk.step(block);
      if (why !== null) return { run, fault: { page: page.path, line: block.line, why } };
      run++;
      surroundings.say(`${page.path}:${block.line} ${titleOf(block)}: ${((performance.now() - startedMonoMs) / 1000).toFixed(1)} s`);
    }
    return { run, fault: null };
  } finally {
    await walk.end();
  }
}

type RunBlock = LocalBlock | StartBlock | StopBlock;

function isRun(block: Block): block is RunBlock {
  return block.kind === 'local' || block.kind === 'start' || block.kind === 'stop';
}

function titleOf(block: RunBlock): string {
  return block.kind === 'local' ? (block.command.split('\n', 1)[0] ?? '') : `${block.kind} ${block.name}`;
}

class Walk {
  readonly #surroundings: WalkSurroundings;
  readonly #shell: ShellSession;
  readonly #services = new Map<string, BackgroundService>();

  constructor(surroundings: WalkSurroundings) {
    this.#surroundings = surroundings;
    this.#shell = new ShellSession(surroundings.root, surroundings.env);
  }

  /** @returns what went wrong; null: nothing. */
  step(block: RunBlock): Promise<string | null> {
    if (block.kind === 'local') return this.#local(block);
    return block.kind === 'start' ? this.#start(block) : this.#stop(block);
  }

  async end(): Promise<void> {
    await this.#shell.close();
    await Promise.all([...this.#services.values()].map((service) => this.#endService(service)));
  }

  async #local(block: LocalBlock): Promise<string | null> {
    const { ports, limits } = this.#surroundings;
    const command = ports.toChosen(block.command);
    if (block.withinMs === null) {
      const problem = this.#resultProblem(block.expected, await this.#shell.run(command, limits.commandMs));
      return problem === null ? null : `${problem}${this.#serviceTails()}`;
    }
    const deadlineMonoMs = performance.now() + block.withinMs;
    for (;;) {
      const problem = this.#resultProblem(block.expected, await this.#shell.try(command, limits.commandMs));
      if (problem === null) return null;
      if (performance.now() > deadlineMonoMs) return `after ${block.withinMs / 1000} s still: ${problem}${this.#serviceTails()}`;
      await sleep(AGAIN_MS);
    }
  }

  #resultProblem(expected: Expected | null, result: ScriptResult): string | null {
    const said = result.stderr.trim() === '' ? '' : `\nstandard error:\n${result.stderr.trim()}`;
    const printed = this.#surroundings.ports.toPage(result.stdout);
    if (result.status === null) return `the command took too long and was killed; printed:\n${printed.trimEnd()}${said}`;
    if (result.status !== 0) return `the command ended with ${result.status}; printed:\n${printed.trimEnd()}${said}`;
    const problem = expected === null ? null : outputProblem(expected, printed);
    return problem === null ? null : `${problem}${said}`;
  }

  async #start(block: StartBlock): Promise<string | null> {
    const { root, env, ports, limits } = this.#surroundings;
    const service = new BackgroundService(block.name, ports.toChosen(block.command), root, env);
    this.#services.set(block.name, service);
    const { expected } = block;
    const fits = (output: string): boolean => expected === null || isPrinted(expected, ports.toPage(output));
    const problem = await service.until(fits, limits.startMs);
    return problem === null ? null : `${problem}${tailOf(service)}`;
  }

  async #stop(block: StopBlock): Promise<string | null> {
    const service = this.#services.get(block.name);
    if (service === undefined) return `${block.name} does not run`;
    const { printed, problem } = await service.stop(this.#surroundings.limits.stopMs);
    this.#services.delete(block.name);
    if (problem !== null) return `${problem}${tailOf(service)}`;
    if (block.expected === null || isPrinted(block.expected, this.#surroundings.ports.toPage(printed))) return null;
    return `its output does not end as the page shows${tailOf(service)}`;
  }

  /** Services of a walk that failed get the chance to stop in order: they have servers and data of their own. */
  async #endService(service: BackgroundService): Promise<void> {
    const { problem } = await service.stop(this.#surroundings.limits.stopMs);
    if (problem !== null) await service.kill();
  }

  #serviceTails(): string {
    return [...this.#services.values()].map(tailOf).join('');
  }
}

function tailOf(service: BackgroundService): string {
  const lines = service.output.trimEnd().split('\n').slice(-TAIL_LINES);
  return `\nthe end of what ${service.name} printed:\n${lines.join('\n')}`;
}
