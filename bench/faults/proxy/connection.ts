import { Socket } from 'node:net';
import { Flow, resetSocket, type Tally } from './flow.js';
import type { Shaper } from './shape.js';

/** Node 20's own mark (16 KiB) is below one read of a socket: each read would stop the source and start it again. */
export const SOCKET_BUFFER_BYTES = 256 * 1024;

const upstreamOptions = { allowHalfOpen: true, highWaterMark: SOCKET_BUFFER_BYTES };

/**
 * One client and its connection to the server behind. It is over when both sockets are closed. Errors of either socket are no faults of
 * the proxy: they reach the other side as a reset, in the order and with the delay that its direction's shape gives them.
 */
export class Connection {
  readonly #number: number;
  readonly #client: Socket;
  readonly #server = new Socket(upstreamOptions);
  readonly #up: Flow;
  readonly #down: Flow;
  #connected = false;
  /** Resolves when both sockets are closed. */
  readonly over: Promise<void>;

  /** `client` was accepted with `allowHalfOpen`. It is connected through by `connect` only. */
  constructor(number: number, client: Socket, tally: { readonly up: Tally; readonly down: Tally }) {
    this.#number = number;
    this.#client = client;
    this.#up = new Flow(client, this.#server, tally.up);
    this.#down = new Flow(this.#server, client, tally.down);
    for (const socket of [client, this.#server]) {
      // What an error means to the other side is decided when `close` follows it.
      socket.on('error', () => socket.destroy());
    }
    client.on('close', () => {
      if (!this.#connected) this.#server.destroy();
    });
    this.over = Promise.all([closed(client), closed(this.#server)]).then(() => {});
    this.#server.setNoDelay(true);
  }

  /** Connects through to the server, unless that was done. */
  connect(upstreamPort: number): void {
    if (this.#connected) return;
    this.#connected = true;
    this.#server.connect(upstreamPort, '127.0.0.1');
  }

  shape(shaper: Shaper): void {
    this.#up.shape = shaper.shape('up', this.#number);
    this.#down.shape = shaper.shape('down', this.#number);
  }

  /** Ends both sides with RST; what is held is thrown away. */
  reset(): void {
    resetSocket(this.#client);
    resetSocket(this.#server);
  }
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
  });
}
