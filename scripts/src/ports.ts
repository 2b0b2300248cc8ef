import { createServer } from 'node:net';

/**
 * Whether the port can be bound on this host. Binding is the only proof: services that share a port (SO_REUSEPORT) would join a stranger's
 * without an error.
 */
export function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** A port on loopback that nobody has bound at this moment; another process may take it before the caller does. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen({ host: '127.0.0.1', port: 0 }, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Sentences for all the ports that are taken, or needed twice, in one go. */
export async function portFaults(host: string, needs: readonly { port: number; variable: string; of: string }[]): Promise<string[]> {
  const faults: string[] = [];
  for (const [index, need] of needs.entries()) {
    const other = needs.slice(0, index).find((earlier) => earlier.port === need.port);
    if (other !== undefined)
      faults.push(
        `Port ${need.port} is wanted for ${other.of} (${other.variable}) and for ${need.of} (${need.variable}): change one of them.`,
      );
    else if (!(await isFree(host, need.port)))
      faults.push(
        `${host}:${need.port}, needed for ${need.of}, is taken by another process: stop it, or set ${need.variable} to a free port.`,
      );
  }
  return faults;
}
