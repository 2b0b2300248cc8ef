/** How a peer tells the bench where it is, and ends with it. */

/** Prints the one line that the bench waits for. */
export function reportListening(port: number): void {
  process.stdout.write(`${JSON.stringify({ ready: true, port, pid: process.pid })}\n`);
}

/** The bench closes standard input or sends SIGTERM; a peer owes nobody anything by then. */
export function endWithParent(): void {
  process.stdin.on('end', () => process.exit(0)).resume();
  process.on('SIGTERM', () => process.exit(0));
}
