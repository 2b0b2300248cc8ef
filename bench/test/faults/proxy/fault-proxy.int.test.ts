import { createHash } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, FaultProxies, type ProxyStats } from '@helios/bench/faults/proxy/fault-proxy';
import { SeededRandom } from '@helios/scripts/random';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Client, EchoServer, until } from './echo.js';

/** Every fault over real sockets, with the proxies in their own thread: what arrives, what does not, and what healing does. */

let proxies: FaultProxies;
let server: EchoServer;
let clients: Client[];
let name: string;
let port: number;
let lastName = 0;

beforeAll(async () => {
  proxies = await FaultProxies.start();
});

afterAll(() => proxies.close());

beforeEach(async () => {
  clients = [];
  server = await EchoServer.start();
  name = `proxy-${++lastName}`;
  port = await proxies.open(name, server.port);
});

afterEach(async () => {
  for (const client of clients) client.socket.destroy();
  await server.close();
});

function client(options?: { keep?: boolean }): Client {
  const created = new Client(port, options);
  clients.push(created);
  return created;
}

/** A client whose connection leads through: its first word came back. */
async function talking(): Promise<Client> {
  const created = client();
  created.socket.write('hello ');
  await until('the first echo', () => created.text === 'hello ');
  return created;
}

async function echoes(word: string): Promise<void> {
  const fresh = client();
  fresh.socket.write(word);
  await until(`the echo of ${word}`, () => fresh.text === word);
}

function statsUntil(reached: (stats: ProxyStats) => boolean): Promise<void> {
  return until(reached.toString(), async () => reached(await proxies.stats(name)));
}

describe('healthy', () => {
  it('passes on both ways, half-close included, and counts', async () => {
    const half = client();
    half.socket.end('all I say');
    await until('the end of the answer', () => half.ended && half.closed);
    expect(half.text).toBe('all I say');
    expect(half.failure).toBe(null);
    await statsUntil((stats) => stats.open === 0);
    expect(await proxies.stats(name)).toEqual({
      open: 0,
      accepted: 1,
      bytesUp: 9,
      bytesDown: 9,
      corruptedBytes: 0,
      heldUpBytes: 0,
      heldDownBytes: 0,
      droppedUpBytes: 0,
      droppedDownBytes: 0,
      acceptErrors: 0,
    });
  });

  it('lets the client go on when the server has said its last word', async () => {
    let heard = '';
    const brief = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('data', (bytes) => (heard += bytes.toString()));
      socket.end('bye');
    });
    await new Promise<void>((resolve) => brief.listen(0, '127.0.0.1', resolve));
    await proxies.upstream(name, (brief.address() as AddressInfo).port);
    const talker = client();
    await until('the end of the server', () => talker.ended);
    talker.socket.end('and another thing');
    await until('what the client still said', () => heard === 'and another thing');
    await until('the end of both', () => talker.closed);
    expect([talker.text, talker.failure]).toEqual(['bye', null]);
    await new Promise((resolve) => brief.close(resolve));
  });

  it('carries 64 MiB there and back unchanged', async () => {
    const bulk = client({ keep: false });
    const random = new SeededRandom(11);
    const block = Buffer.from(random.hex(512 * 1024), 'hex');
    const sent = createHash('sha256');
    for (let sentBlocks = 0; sentBlocks < 128; sentBlocks++) {
      sent.update(block);
      if (!bulk.socket.write(block)) await new Promise((resolve) => bulk.socket.once('drain', resolve));
    }
    bulk.socket.end();
    await until('the end of the bulk', () => bulk.ended);
    expect(bulk.receivedBytes).toBe(64 * 1024 * 1024);
    expect(bulk.sha256).toBe(sent.digest('hex'));
  });

  it('hands a reset of the client to the server, and of the server to the client', async () => {
    const leaving = await talking();
    leaving.socket.resetAndDestroy();
    await until('the reset at the server', () => server.resets === 1);
    const left = await talking();
    server.resetAll();
    await until('the reset at the client', () => left.failure === 'ECONNRESET');
    await statsUntil((stats) => stats.open === 0);
  });

  it('resets clients while nothing listens behind it, and leads to where the server moved', async () => {
    const moved = await EchoServer.start();
    try {
      await server.close();
      const early = client();
      await until('the reset', () => early.failure === 'ECONNRESET');
      await proxies.upstream(name, moved.port);
      await echoes('there you are');
      expect(moved.accepted).toBe(1);
    } finally {
      await moved.close();
    }
  });
});

describe('refuse', () => {
  it('resets existing connections, has the kernel refuse new ones, and takes them on the same port when healed', async () => {
    const existing = await talking();
    await proxies.set(name, { kind: 'refuse' });
    await until('the reset', () => existing.failure === 'ECONNRESET');
    await until('the reset at the server', () => server.resets === 1);
    const fresh = client();
    await until('the refusal', () => fresh.failure === 'ECONNREFUSED');
    await proxies.heal(name);
    await echoes('again');
    expect((await proxies.stats(name)).accepted).toBe(2);
  });

  it('waits for its port when somebody else has it at the moment of healing', async () => {
    await proxies.set(name, { kind: 'refuse' });
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(port, '127.0.0.1', resolve));
    const healing = proxies.heal(name);
    await sleep(100);
    await new Promise((resolve) => squatter.close(resolve));
    await healing;
    await echoes('mine again');
  });

  it('can follow a hang without letting out what was held, and give way to another fault', async () => {
    const existing = await talking();
    await proxies.set(name, { kind: 'hang', direction: 'down' });
    existing.socket.write('lost');
    await statsUntil((stats) => stats.heldDownBytes === 4);
    await proxies.set(name, { kind: 'refuse' });
    await until('the reset', () => existing.failure === 'ECONNRESET');
    expect(existing.text).toBe('hello ');
    await proxies.set(name, { kind: 'slice' });
    await echoes('in slices');
  });
});

describe('reset', () => {
  it('resets existing connections and every new one, none of which reaches the server', async () => {
    const existing = await talking();
    await proxies.set(name, { kind: 'reset' });
    await until('the reset', () => existing.failure === 'ECONNRESET');
    for (let attempt = 0; attempt < 3; attempt++) {
      const fresh = client();
      await until('the reset of a new one', () => fresh.failure === 'ECONNRESET');
    }
    expect(server.accepted).toBe(1);
    expect((await proxies.stats(name)).accepted).toBe(4);
    await proxies.heal(name);
    await echoes('again');
  });
});

describe('hang', () => {
  it('down: requests reach the server, answers are held, and delivered in order when healed', async () => {
    const existing = await talking();
    await proxies.set(name, { kind: 'hang', direction: 'down' });
    const fresh = client();
    existing.socket.write('one ');
    await statsUntil((stats) => stats.heldDownBytes === 4);
    existing.socket.write('two');
    fresh.socket.write('new');
    await statsUntil((stats) => stats.heldDownBytes === 10);
    expect(server.receivedBytes).toBe('hello one twonew'.length);
    expect([existing.text, fresh.text]).toEqual(['hello ', '']);
    await proxies.heal(name);
    await until('the held answers', () => existing.text === 'hello one two' && fresh.text === 'new');
    expect((await proxies.stats(name)).droppedDownBytes).toBe(0);
  });

  it('down with drop-connections: the held answers are lost and the connections reset on both sides', async () => {
    const existing = await talking();
    await proxies.set(name, { kind: 'hang', direction: 'down', onHeal: 'drop-connections' });
    existing.socket.write('never answered');
    await statsUntil((stats) => stats.heldDownBytes === 14);
    expect(existing.closed).toBe(false);
    await proxies.heal(name);
    await until('both resets', () => existing.failure === 'ECONNRESET' && server.resets === 1);
    expect(existing.text).toBe('hello ');
    expect(await proxies.stats(name)).toMatchObject({ open: 0, droppedDownBytes: 14, heldDownBytes: 0 });
    await echoes('again');
  });

  it('up: what the server says arrives, what the client says does not', async () => {
    const existing = await talking();
    await proxies.set(name, { kind: 'hang', direction: 'up' });
    existing.socket.write('kept');
    await statsUntil((stats) => stats.heldUpBytes === 4);
    server.say('still here ');
    await until('the word of the server', () => existing.text === 'hello still here ');
    expect(server.receivedBytes).toBe(6);
    await proxies.heal(name);
    await until('the echo of what was kept', () => existing.text === 'hello still here kept');
  });

  it('hides that the server was lost until it is healed', async () => {
    const existing = await talking();
    await proxies.set(name, { kind: 'hang' });
    server.say('last words');
    await statsUntil((stats) => stats.heldDownBytes === 10);
    server.resetAll();
    await until('the server to be gone', () => server.open === 0);
    // What the client still says cannot be held for a server that is gone: the proxy has seen the loss.
    await until('the loss to be seen', async () => {
      existing.socket.write('x');
      return (await proxies.stats(name)).droppedUpBytes > 0;
    });
    expect([existing.text, existing.ended, existing.closed]).toEqual(['hello ', false, false]);
    await proxies.heal(name);
    // libuv reports a reset that comes together with bytes as an end.
    await until('the loss', () => existing.failure === 'ECONNRESET' || existing.ended);
    expect(existing.text).toBe('hello last words');
  });

  it('holds a bounded amount, pushes back on the sender, and delivers every byte of a transfer that ran into it', async () => {
    const holdMaxBytes = 64 * 1024;
    await proxies.set(name, { kind: 'hang', direction: 'up', holdMaxBytes });
    const bulk = client({ keep: false });
    // More than the kernel's buffers take; 1009 does not divide the proxy's reads, so that no exchanged block goes unnoticed.
    const block = Buffer.alloc(24 * 1024 * 1024, new SeededRandom(3).hex(1009), 'hex');
    bulk.socket.end(block);
    await statsUntil((stats) => stats.heldUpBytes >= holdMaxBytes);
    // A read of a socket takes 64 KiB at most, and only the last one can pass the bound.
    expect((await proxies.stats(name)).heldUpBytes).toBeLessThan(holdMaxBytes + 64 * 1024);
    expect(bulk.socket.writableFinished).toBe(false);
    await proxies.heal(name);
    await until('the end of the bulk', () => bulk.ended);
    expect(bulk.sha256).toBe(createHash('sha256').update(block).digest('hex'));
  });
});

describe('blackhole', () => {
  it('takes new connections, leads them nowhere, hangs existing ones, and resets all when healed', async () => {
    const existing = await talking();
    await proxies.set(name, { kind: 'blackhole' });
    const fresh = client();
    fresh.socket.write('anybody');
    existing.socket.write('there');
    await statsUntil((stats) => stats.heldUpBytes === 12);
    expect([fresh.connected, server.accepted, server.receivedBytes]).toEqual([true, 1, 6]);
    await proxies.heal(name);
    await until('both resets', () => fresh.failure === 'ECONNRESET' && existing.failure === 'ECONNRESET');
    expect(await proxies.stats(name)).toMatchObject({ open: 0, droppedUpBytes: 12 });
    await echoes('again');
  });

  it('connects through what it took when it is to deliver', async () => {
    await proxies.set(name, { kind: 'blackhole', onHeal: 'deliver' });
    const fresh = client();
    fresh.socket.write('late');
    await statsUntil((stats) => stats.heldUpBytes === 4);
    await proxies.heal(name);
    await until('the echo', () => fresh.text === 'late');
  });

  it('forgets a client that gave up', async () => {
    await proxies.set(name, { kind: 'blackhole' });
    const fresh = client();
    await statsUntil((stats) => stats.open === 1);
    fresh.socket.resetAndDestroy();
    await statsUntil((stats) => stats.open === 0);
  });
});

describe('faults that let bytes through', () => {
  it.each<Fault>([
    { kind: 'latency', latencyMs: 5, jitterMs: 5 },
    { kind: 'slice', sliceBytes: 7 },
    { kind: 'slice', direction: 'down', sliceBytes: 1 },
    { kind: 'bandwidth', bytesPerSecond: 400_000 },
  ])('%j delivers everything in order, to existing and new connections', async (fault) => {
    const existing = await talking();
    await proxies.set(name, fault);
    const fresh = client();
    const text = new SeededRandom(5).hex(4000);
    existing.socket.end(text);
    fresh.socket.end(text);
    await until('both echoes', () => existing.ended && fresh.ended);
    expect(existing.text).toBe(`hello ${text}`);
    expect(fresh.text).toBe(text);
  });

  it('corrupt exchanges as many bytes as it says, in its direction, and none after it is healed', async () => {
    await proxies.set(name, { kind: 'corrupt', direction: 'down', probability: 0.01, seed: 9 });
    const fresh = client();
    const sent = Buffer.from(new SeededRandom(6).hex(100_000), 'hex');
    fresh.socket.write(sent);
    await until('the echo', () => fresh.receivedBytes === sent.length);
    const changed = fresh.bytes.filter((byte, at) => byte !== sent[at]).length;
    expect(changed).toBeGreaterThan(800);
    expect((await proxies.stats(name)).corruptedBytes).toBe(changed);
    await proxies.heal(name);
    fresh.socket.write(sent);
    await until('the second echo', () => fresh.receivedBytes === 2 * sent.length);
    expect(fresh.bytes.subarray(sent.length).equals(sent)).toBe(true);
  });
});

describe('the proxies', () => {
  it('refuse a fault out of bounds, a name that is taken and one that is not there, and go on', async () => {
    await expect(proxies.set(name, { kind: 'slice', sliceBytes: 0 })).rejects.toThrow(/^sliceBytes must be/);
    await expect(proxies.open(name, server.port)).rejects.toThrow(/open already/);
    await expect(proxies.heal('nobody')).rejects.toThrow(/no proxy is named nobody/);
    await expect(proxies.open('second', server.port, port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await echoes('unimpressed');
  });

  it('are gone after close, with their connections, ports, thread and handles', async () => {
    const kinds = ['TCPSocketWrap', 'TCPServerWrap', 'MessagePort', 'Worker', 'Timeout'];
    const handles = (): string[] => process.getActiveResourcesInfo().filter((kind) => kinds.includes(kind));
    await until('the sockets of earlier tests to be gone', () => !handles().includes('TCPSocketWrap'));
    const before = handles();
    const others = await FaultProxies.start();
    const otherPort = await others.open('other', server.port);
    const talkers = Array.from({ length: 20 }, () => new Client(otherPort));
    for (const talker of talkers) talker.socket.write('x');
    await until('all echoes', () => talkers.every((talker) => talker.text === 'x'));
    await others.set('other', { kind: 'latency', latencyMs: 60_000 });
    for (const talker of talkers) talker.socket.write('y');
    await until('all held', async () => (await others.stats('other')).heldUpBytes === 20);
    await Promise.all([others.close(), others.close()]);
    expect(handles().filter((kind) => kind === 'MessagePort').length).toBe(before.filter((kind) => kind === 'MessagePort').length);
    await until('all resets', () => talkers.every((talker) => talker.failure === 'ECONNRESET') && server.open === 0);
    const late = new Client(otherPort);
    await until('the refusal', () => late.failure === 'ECONNREFUSED');
    await expect(others.stats('other')).rejects.toThrow(/closed/);
    await until('the handles to be as before', () => handles().length <= before.length);
  });
});
