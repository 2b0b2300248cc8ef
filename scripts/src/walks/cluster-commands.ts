import { clusterOutputProblem } from './cluster-output.js';
import { composeProblem, dockerProblem } from './container-commands.js';
import { kubectlProblem } from './kubectl.js';
import type { ComposeInventory, Inventory } from './manifests.js';
import { type Fault, isCommand, type UnrunBlock, type WalkPage } from './page.js';
import { commandsOf } from './shell-words.js';

/**
 * Commands of the pages that need a cluster or a container engine: not run, but everything that they name must exist (files, objects, labels,
 * ports, containers, images). A command that this does not know is a fault, so that nothing goes unchecked. Pure.
 */

/** What commands may name. */
export interface DeploymentFacts {
  readonly manifests: Inventory;
  readonly compose: ComposeInventory | null;
  /** Targets of the Dockerfile. */
  readonly imageTargets: ReadonlySet<string>;
  /** Version of package.json: the images' tag. */
  readonly version: string;
  /** Scripts of package.json. */
  readonly scripts: ReadonlySet<string>;
  /** Text of a file, by its path from the project's folder; null when there is none. */
  readonly read: (path: string) => string | null;
}

/** Programs that name nothing of ours. */
const plain = new Set([
  'cat',
  'cd',
  'date',
  'echo',
  'export',
  'grep',
  'head',
  'node',
  'openssl',
  'sed',
  'sleep',
  'sort',
  'tail',
  'tee',
  'test',
  'uniq',
  'wc',
]);

/** What the cluster and compose blocks of a page name that does not exist. */
export function deploymentFaults(page: WalkPage, facts: DeploymentFacts): Fault[] {
  const forwarded = new Set<number>();
  return page.blocks
    .filter((block): block is UnrunBlock => isCommand(block) && (block.kind === 'cluster' || block.kind === 'compose'))
    .flatMap((block) => {
      const commands = commandsOf(block.command);
      const faults = commands.flatMap(({ line, words }) => {
        const why = commandProblem(words, facts, forwarded);
        return why === null ? [] : [{ page: page.path, line: block.line + 1 + line, why: `${words.join(' ')}: ${why}` }];
      });
      const output =
        block.expected === null || faults.length > 0 ? null : clusterOutputProblem(commands, block.expected.text, facts.manifests);
      return output === null ? faults : [...faults, { page: page.path, line: block.expected?.line ?? block.line, why: output }];
    });
}

/** @param forwarded local ports that the page has forwarded so far; `port-forward` adds its own. */
function commandProblem(words: readonly string[], facts: DeploymentFacts, forwarded: Set<number>): string | null {
  const [program = '', ...rest] = words;
  if (plain.has(program)) return null;
  switch (program) {
    case 'kubectl':
      return kubectlProblem(rest, facts, forwarded);
    case 'docker':
      return rest[0] === 'compose' ? composeProblem(rest.slice(1), facts.compose) : dockerProblem(rest, facts);
    case 'curl':
      return curlProblem(rest, facts.manifests, forwarded);
    case 'npm': {
      const script = rest.filter((word) => word !== 'run' && !word.startsWith('-'))[0] ?? '';
      return facts.scripts.has(script) || script === 'ci' ? null : `package.json has no script ${script}`;
    }
    default:
      if (program.startsWith('scripts/')) return scriptProblem(program, rest, facts);
      return `the check of the pages does not know "${program}"`;
  }
}

/** A script of the project is there, and its text knows every flag. */
function scriptProblem(path: string, words: readonly string[], { read }: DeploymentFacts): string | null {
  const text = read(path);
  if (text === null) return `there is no ${path}`;
  const unknown = words.find((word) => word.startsWith('--') && !text.includes(word.split('=', 1)[0] ?? word));
  return unknown === undefined ? null : `${path} has no ${unknown}`;
}

/** An address on this machine is one that the page forwarded a port to, or the local cluster leads out; any other is a host of an ingress. */
function curlProblem(words: readonly string[], { hosts, hostPorts }: Inventory, forwarded: ReadonlySet<number>): string | null {
  for (const word of words) {
    const match = /^https?:\/\/([^/:?]+)(?::(\d+))?/.exec(word);
    if (match === null) continue;
    const [, host = '', port] = match;
    if (host === '127.0.0.1' || host === 'localhost') {
      if (!forwarded.has(Number(port)) && !hostPorts.has(Number(port)))
        return `nothing listens on port ${port ?? ''}: the page forwards it nowhere`;
    } else if (!hosts.has(host)) return `no ingress is for ${host}`;
  }
  return null;
}
