import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { SeededRandom } from '@helios/scripts/random';
import type { Fault } from './proxy/fault.js';
import { SEEDED_PROFILES, type Stack } from './stack.js';

/** What the rows do to Redis, to profile-svc and to the way to them. */

export interface ProfileFault {
  readonly name: string;
  /**
   * What lookups come to while it lasts. `fail`: all of them, so breakers open. `empty`: they succeed and know nobody, so breakers stay
   * closed. `any`: some fail, and whether breakers open is open.
   */
  readonly lookups: 'fail' | 'empty' | 'any';
  /** Resolves when the fault is in force, with what ends it. */
  begin(stack: Stack): Promise<() => Promise<void>>;
}

/** A kind of fault; its details are the seed's choice. */
export type DrawFault = (random: SeededRandom) => ProfileFault;

/** Source: spec section 2.5 (PROFILE_TIMEOUT_MS). */
const DEADLINE_MS = 100;
/** What speaks no HTTP/2: 0x0B is neither a frame's length nor a preface. */
const WRONG_BYTES = Buffer.alloc(21 * 1024, 0x0b);
const ANSWER_LIMIT_MS = 5000;
const seedProgram = fileURLToPath(new URL('../../../profile-svc/dist/seed.js', import.meta.url));

export const redisFaults: readonly DrawFault[] = [
  (random) => (random.chance(0.5) ? killed('redis', 'Redis') : proxied('redis', 'Redis refuses connections', { kind: 'refuse' }, 'fail')),
  () => proxied('redis', 'Redis hangs', { kind: 'hang' }, 'fail'),
  (random) => {
    const latencyMs = random.integer(50, 2000);
    return proxied('redis', `Redis answers after ${latencyMs} ms`, { kind: 'latency', direction: 'down', latencyMs }, 'fail');
  },
  () => emptied,
];

export const profileServiceDown: readonly DrawFault[] = [
  () => killed('profile-svc', 'profile-svc'),
  () => proxied('profiles', 'profile-svc refuses connections', { kind: 'refuse' }, 'fail'),
];

export const profileServiceHalfOpen: readonly DrawFault[] = [
  () => proxied('profiles', 'profile-svc hangs after connect', { kind: 'hang' }, 'fail'),
  () => proxied('profiles', 'calls to profile-svc hang on their way', { kind: 'hang', direction: 'up' }, 'fail'),
  () => proxied('profiles', 'the way to profile-svc is a black hole', { kind: 'blackhole' }, 'fail'),
];

export const profileServiceWrong: readonly DrawFault[] = [
  (random) => {
    const latencyMs = random.integer(60, 160);
    const jitterMs = random.integer(0, 30);
    const fault: Fault = { kind: 'latency', direction: 'down', latencyMs, jitterMs, seed: random.uint32() };
    const surelyLate = latencyMs - jitterMs > DEADLINE_MS;
    return proxied('profiles', `profile-svc answers after ${latencyMs} +-${jitterMs} ms`, fault, surelyLate ? 'fail' : 'any');
  },
  () => proxied('profiles', 'profile-svc comes and goes byte by byte', { kind: 'slice', sliceBytes: 1 }, 'any'),
  (random) => proxied('profiles', 'one byte of 10,000 is wrong', { kind: 'corrupt', probability: 1e-4, seed: random.uint32() }, 'any'),
  () => wrongServer,
];

function killed(name: 'redis' | 'profile-svc', who: string): ProfileFault {
  return {
    name: `${who} is killed and held down`,
    lookups: 'fail',
    async begin(stack) {
      const victim = stack.process(name);
      await victim.stop('SIGKILL');
      return async () => {
        await victim.start();
        // The snapshot that it came back with may be older than the last seeding.
        if (name === 'redis') await seed(stack);
      };
    },
  };
}

function proxied(proxy: 'redis' | 'profiles', name: string, fault: Fault, lookups: ProfileFault['lookups']): ProfileFault {
  return {
    name,
    lookups,
    async begin({ proxies }) {
      await proxies.set(proxy, fault);
      return () => proxies.heal(proxy);
    },
  };
}

const emptied: ProfileFault = {
  name: 'Redis is emptied',
  lookups: 'empty',
  async begin(stack) {
    await flush(stack.port('redis'));
    return () => seed(stack);
  },
};

const wrongServer: ProfileFault = {
  name: 'another server answers in the place of profile-svc',
  lookups: 'fail',
  async begin(stack) {
    const open = new Set<Socket>();
    const server = createServer((socket) => {
      open.add(socket);
      socket.on('error', () => {}); // whoever called may well hang up on this
      socket.on('close', () => open.delete(socket));
      socket.write(WRONG_BYTES);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await leadProfilesTo(stack, (server.address() as AddressInfo).port);
    return async () => {
      await leadProfilesTo(stack, stack.port('profiles'));
      for (const socket of open) socket.destroy();
      server.close();
    };
  },
};

/** New connections for profile-svc go to `port`, and those that are open end. */
async function leadProfilesTo({ proxies }: Stack, port: number): Promise<void> {
  await proxies.upstream('profiles', port);
  await proxies.set('profiles', { kind: 'reset' });
  await proxies.heal('profiles');
}

async function flush(port: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.write('FLUSHALL\r\n');
  const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) })) as [Buffer];
  socket.destroy();
  if (!answer.toString('latin1').startsWith('+OK')) throw new Error(`Redis answered ${answer.toString('latin1')} to FLUSHALL`);
}

/** Stores the stack's profiles again, by the program that stored them first, around the proxy. Beside the load: not a blocking call. */
async function seed(stack: Stack): Promise<void> {
  const child = spawn(process.execPath, [seedProgram, '--count', String(SEEDED_PROFILES)], {
    env: { PATH: process.env['PATH'] ?? '', REDIS_HOST: '127.0.0.1', REDIS_PORT: String(stack.port('redis')) },
    stdio: 'ignore',
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`the seed program ended with exit code ${code}`);
}
