/**
 * `scripts/prove-images`: builds the images of the Dockerfile without a Docker engine, in a root of Debian trixie with the Dockerfile's Node,
 * and proves each: its services start from exactly the final stage's content, unprivileged, on a read-only root, and do their job end to end.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFlags, runProgram, UsageError } from '../cli.js';
import { measuredCommit, measuredMachine } from '../measured-on.js';
import { type Dockerfile, readDockerfile } from './dockerfile.js';
import { asTarget, type ImageTarget, imageTargets } from './image-commands.js';
import { sizeOf } from './image-sizes.js';
import { type ImagesResult, withTable } from './images-page.js';
import { CA_INSIDE } from './mounts.js';
import { runNpmTest } from './npm-test.js';
import { type Proof, proveImages } from './prove.js';
import { type BuiltStage, type HostNetwork, StageBuilder } from './stage-builder.js';

const HELP = `Usage: scripts/prove-images [--only TARGET[,TARGET]] [--stage NAME] [--fresh]
       scripts/prove-images --npm-test [--fresh] [-- VITEST ARGUMENTS]

Follows the steps of the Dockerfile, read from the file itself, in a root of Debian trixie made by debootstrap with the Dockerfile's version of
Node from npm; then starts every service from exactly what its final stage holds: as the image's user, without privileges, on a read-only
root, beside a real Kafka, Redis and PostgreSQL. Bids are posted and each slot is followed to its row; every service must end with exit code 0
on SIGTERM. No Docker engine is needed; root is, for mounts and chroot, and Linux. Layers are kept in .helios/images: a step that did not
change is not done again, and a build that was cut short goes on where it was.

  --only TARGET    prove only these images (${imageTargets.join(', ')}); other services run from the working tree
  --stage NAME     build one stage of the Dockerfile and what it needs, and prove nothing
  --npm-test       run npm test in the Dockerfile's stage "test", that is under the images' Node
  --fresh          build everything anew, the root of Debian too

A proof of all images writes bench/results/images.json and the table of docs/images.md; a whole run of --npm-test writes
bench/results/npm-test-in-trixie.json.
`;

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const store = join(root, '.helios/images');
const RESULT = join(root, 'bench/results/images.json');
const PAGE = join(root, 'docs/images.md');

await runProgram('prove-images', async (args) => {
  const { values, positionals } = readFlags(args, {
    only: { type: 'string' },
    stage: { type: 'string' },
    'npm-test': { type: 'boolean' },
    fresh: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const npmTest = values['npm-test'] === true;
  if (positionals.length > 0 && !npmTest) throw new UsageError(`There is no argument ${positionals[0]}.`);
  if ([values.only, values.stage, npmTest ? '' : undefined].filter((choice) => choice !== undefined).length > 1)
    throw new UsageError('--only, --stage and --npm-test do not go together.');
  const targets = readTargets(values.only);
  endOnSignals();
  // Whoever starts it, users of the images must be able to read what it makes.
  process.umask(0o022);
  if (values.fresh === true) rmSync(store, { recursive: true, force: true });
  const dockerfile = readDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8'), { REVISION: measuredCommit(root) });
  const host = hostNetwork();
  const builder = new StageBuilder({ dockerfile, context: root, store, host, say });
  if (values.stage !== undefined) {
    await builder.build(values.stage);
    return 0;
  }
  if (npmTest) return runNpmTest({ stage: await builder.build('test'), args: positionals, root, store, host });
  return prove(dockerfile, builder, targets);
});

async function prove(dockerfile: Dockerfile, builder: StageBuilder, targets: readonly ImageTarget[]): Promise<number> {
  const images = new Map<ImageTarget, BuiltStage>();
  for (const target of targets) {
    if (!dockerfile.has(target)) throw new Error(`The Dockerfile has no target ${target}.`);
    images.set(target, await builder.build(target));
  }
  const sizes = [...images].map(([target, stage]) => ({ target, bytes: sizeOf(stage.layers) }));
  for (const { target, bytes } of sizes)
    say(`${target}: ${(bytes.total / 1e6).toFixed(1)} MB, ${(bytes.own / 1e6).toFixed(1)} MB of them its own`);
  const stateFolder = mkdtempSync(join(tmpdir(), 'helios-prove-images-'));
  chmodSync(stateFolder, 0o755); // the user that PostgreSQL runs as passes through it
  say(`data and logs of the servers are in ${stateFolder}, logs of the services in ${join(store, 'logs')}`);
  const proof = await proveImages({ images, root, store, stateFolder, say });
  rmSync(stateFolder, { recursive: true, force: true });
  for (const { role, image, readyMs, residentMib, stopMs } of proof.services)
    say(`${role} (${image ?? 'working tree'}): ready in ${readyMs} ms, ${residentMib} MiB, ended with 0 after ${stopMs} ms`);
  if (targets.length === imageTargets.length) record(sizes, proof);
  say(`proven: ${targets.join(', ')}`);
  return 0;
}

function record(images: ImagesResult['images'], { versions, services, bids }: Proof): void {
  const result: ImagesResult = {
    name: 'images',
    command: 'scripts/prove-images',
    measuredAt: new Date().toISOString(),
    commit: measuredCommit(root),
    machine: measuredMachine(),
    versions,
    images,
    services,
    bids,
  };
  writeFileSync(RESULT, `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8'), result));
}

function readTargets(only: string | undefined): ImageTarget[] {
  if (only === undefined) return [...imageTargets];
  return only.split(',').map((name) => {
    const target = asTarget(name);
    if (target === null) throw new UsageError(`--only ${name}: there is no such image, there are ${imageTargets.join(', ')}.`);
    return target;
  });
}

/** Proxies, the registry and certificates that this machine's npm and apt use; an engine's build would be given them too. */
function hostNetwork(): HostNetwork {
  const passed = Object.entries(process.env).filter(
    (entry): entry is [string, string] => /^(https?|no)_proxy$/i.test(entry[0]) && entry[1] !== undefined,
  );
  const registry = spawnSync('npm', ['config', 'get', 'registry'], { cwd: root, encoding: 'utf8' }).stdout?.trim() ?? '';
  const named = process.env['NODE_EXTRA_CA_CERTS'] ?? '';
  const caFile = named !== '' && existsSync(named) ? named : null;
  return {
    caFile,
    env: {
      ...Object.fromEntries(passed),
      ...(registry === '' ? {} : { npm_config_registry: registry }),
      ...(caFile === null ? {} : { NODE_EXTRA_CA_CERTS: CA_INSIDE }),
    },
  };
}

/** As the first process of its namespace it ends at a signal only when it says so; everything that it started ends with it. */
function endOnSignals(): void {
  process.on('SIGINT', () => process.exit(130));
  process.on('SIGTERM', () => process.exit(143));
}

function say(text: string): void {
  process.stderr.write(`prove-images: ${text}\n`);
}
