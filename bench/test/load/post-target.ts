import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server of `POST /bid` that a test tells how to answer. */
export interface PostTarget {
  readonly port: number;
  /** Bodies in the order in which they came. */
  readonly bodies: string[];
  /** Connections that were opened so far. */
  connections(): number;
  close(): Promise<void>;
}

/** What to answer request `index` with; null: nothing, the connection is cut. */
export type Answerer = (body: string, index: number) => { readonly status: number; readonly body: string } | null;

export async function startPostTarget(answer: Answerer): Promise<PostTarget> {
  const bodies: string[] = [];
  let connections = 0;
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const answered = answer(body, bodies.push(body) - 1);
      if (answered === null) request.socket.destroy();
      else response.writeHead(answered.status, { 'Content-Length': Buffer.byteLength(answered.body) }).end(answered.body);
    });
  });
  server.on('connection', () => connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    bodies,
    connections: () => connections,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The id in a posted body. */
export function idOf(body: string): string {
  return (JSON.parse(body) as { id: string }).id;
}

/** What ingest answers. */
export function accepted(body: string): { status: number; body: string } {
  return { status: 202, body: JSON.stringify({ status: 'accepted', id: idOf(body) }) };
}
