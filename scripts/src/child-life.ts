/**
 * The life of the launcher's helper processes (broker, database): one JSON line on standard output when ready, a stop on SIGTERM, SIGINT or,
 * with `HELIOS_EXIT_WITH_PARENT=1`, when standard input closes because the parent is gone, however it went.
 */

/** Prints the one line that tells the parent where the process can be reached. */
export function reportReady(facts: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify({ ready: true, ...facts })}\n`);
}

/**
 * Calls `stop` once, at the first reason to end, and exits with 0, or with 1 and the message when `stop` rejects. When the parent is gone it
 * waits `orphanGraceMs` first, so that the services, which stop for the same reason, find this process while they finish.
 */
export function stopOnRequest(name: string, exitWithParent: boolean, orphanGraceMs: number, stop: () => Promise<void>): void {
  let stopping = false;
  const end = (graceMs: number) => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => {
      stop().then(
        () => process.exit(0),
        (error: unknown) => {
          process.stderr.write(`${name}: did not stop cleanly: ${error instanceof Error ? error.message : String(error)}\n`);
          process.exit(1);
        },
      );
    }, graceMs);
  };
  process.on('SIGTERM', () => end(0));
  process.on('SIGINT', () => end(0));
  // A closed terminal is the parent's business: it decides, and its death shows on standard input.
  process.on('SIGHUP', () => {});
  if (!exitWithParent) return;
  process.stdin.on('end', () => end(orphanGraceMs));
  process.stdin.on('error', () => end(orphanGraceMs));
  process.stdin.resume();
}
