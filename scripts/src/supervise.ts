import { reportReady, stopOnRequest } from './child-life.js';
import type { ServerProcess } from './server-process.js';

/** A server that was started and will take connections. */
export interface StartingServer extends ServerProcess {
  /** Resolves when it takes connections; rejects with a sentence when it ends before. */
  readonly serving: Promise<void>;
}

/** How long services that lost their launcher too may still find the server while they stop. */
const ORPHAN_GRACE_MS = 1500;

/**
 * The life of a process that supervises one real server: starts it, reports the facts of it as one JSON line when it serves, stops it when
 * asked to, and ends with 1 when the server cannot start or ends by itself. A stop is heeded from the first moment on: a server that is
 * starting must not be left behind.
 */
export async function supervise<S extends StartingServer>(
  name: string,
  exitWithParent: boolean,
  start: () => Promise<S>,
  factsOf: (server: S) => Readonly<Record<string, unknown>>,
): Promise<void> {
  let server: S | undefined;
  let stopping = false;
  stopOnRequest(name, exitWithParent, ORPHAN_GRACE_MS, async () => {
    stopping = true;
    await server?.stop();
  });
  const fail = (sentence: string) => {
    if (stopping) return; // the end was asked for, and its exit code is on its way
    process.stderr.write(`${name}: ${sentence}\n`);
    process.exit(1);
  };
  try {
    server = await start();
    await server.serving;
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
  void server.ended.then((why) => fail(`the server ended by itself: ${why}`));
  if (!stopping) reportReady({ pid: server.pid, ...factsOf(server) });
}
