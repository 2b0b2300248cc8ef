import { parentPort } from 'node:worker_threads';
import { Proxy } from './proxy.js';
import type { ProxyAnswer, ProxyCommand, ProxyRequest, ProxyValue } from './proxy-messages.js';

/** The thread that holds the proxies: takes requests, answers each by its number, and ends on its own after `close`. */

const port = parentPort;
if (port === null) throw new Error('proxy-thread runs as a worker thread of FaultProxies');

const proxies = new Map<string, Proxy>();
/** The last request for each proxy: the next one waits for it. */
const turns = new Map<string, Promise<unknown>>();

port.on('message', ({ number, what }: ProxyRequest) => {
  const name = what.command === 'close' ? '' : what.name;
  const before = what.command === 'close' ? Promise.all(turns.values()) : (turns.get(name) ?? Promise.resolve());
  const turn = before
    .then(() => carryOut(what))
    .then(
      (value): ProxyAnswer => ({ number, value }),
      (error: NodeJS.ErrnoException): ProxyAnswer => ({ number, failed: error.message, code: error.code ?? null }),
    )
    .then((answer) => {
      port.postMessage(answer);
      if (what.command === 'close') port.close();
    });
  turns.set(name, turn);
});

async function carryOut(what: ProxyCommand): Promise<ProxyValue> {
  switch (what.command) {
    case 'open':
      return open(what.name, what.upstreamPort, what.listenPort);
    case 'set':
      await named(what.name).set(what.fault);
      return null;
    case 'heal':
      await named(what.name).heal();
      return null;
    case 'upstream':
      named(what.name).upstreamPort = what.port;
      return null;
    case 'stats':
      return named(what.name).stats;
    case 'close':
      await Promise.all([...proxies.values()].map((proxy) => proxy.close()));
      return null;
    default:
      throw new RangeError(`no such command: ${JSON.stringify(what satisfies never)}`);
  }
}

async function open(name: string, upstreamPort: number, listenPort: number): Promise<number> {
  if (proxies.has(name)) throw new Error(`a proxy named ${name} is open already`);
  const proxy = new Proxy(upstreamPort, listenPort);
  const listensOn = await proxy.open();
  proxies.set(name, proxy);
  return listensOn;
}

function named(name: string): Proxy {
  const proxy = proxies.get(name);
  if (proxy === undefined) throw new Error(`no proxy is named ${name}; open: ${[...proxies.keys()].join(', ') || 'none'}`);
  return proxy;
}
