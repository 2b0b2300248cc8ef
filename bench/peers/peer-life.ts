import uWS from 'uWebSockets.js';

/**
 * What the handlers that ingest is measured against have in common: they say where they listen, how much CPU they have used (all threads)
 * when asked at /cpu, and end with whoever started them.
 */
export function servePeer(app: ReturnType<typeof uWS.App>): void {
  app.get('/cpu', (response) => {
    const { user, system } = process.cpuUsage();
    response.writeHeader('Content-Type', 'application/json').end(JSON.stringify({ cpuMicros: user + system }));
  });
  app.listen('127.0.0.1', 0, (socket) => {
    if (socket === false) throw new Error('found no port to listen on');
    process.stdout.write(`${JSON.stringify({ ready: true, port: uWS.us_socket_local_port(socket) })}\n`);
  });
  process.stdin.on('end', () => process.exit(0)).resume();
  process.on('SIGTERM', () => process.exit(0));
}

/** What they answer a body of so many bytes with: they do not know its id, for they do not parse it. */
export function acceptedBytes(bytes: number): string {
  return `{"status":"accepted","bytes":${bytes}}`;
}

/** CPU microseconds that a peer has used since it started. */
export async function peerCpuMicros(port: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/cpu`);
  return ((await response.json()) as { cpuMicros: number }).cpuMicros;
}
