import { describe, expect, it } from 'vitest';
import { BodyBuffer, BodyMemory } from '../../src/ingest/body.js';

function bytesOf(text: string): ArrayBuffer {
  const bytes = new ArrayBuffer(Buffer.byteLength(text));
  Buffer.from(bytes).write(text);
  return bytes;
}

describe('a body in pieces', () => {
  it('is put together in order', () => {
    const body = new BodyBuffer(100_000, new BodyMemory(1_000_000));
    const whole = Array.from({ length: 3000 }, (_, index) => `piece ${index};`).join('');
    for (let at = 0; at < whole.length; at += 777) expect(body.append(bytesOf(whole.slice(at, at + 777)))).toBe('ok');
    expect(body.length).toBe(whole.length);
    expect(body.bytes().toString()).toBe(whole);
  });

  it('of no pieces is empty', () => {
    expect(new BodyBuffer(10, new BodyMemory(100)).bytes()).toHaveLength(0);
  });

  it('may fill its limit to the byte, and not one byte more', () => {
    const body = new BodyBuffer(10, new BodyMemory(100));
    expect(body.append(bytesOf('12345'))).toBe('ok');
    expect(body.append(bytesOf('67890'))).toBe('ok');
    expect(body.append(bytesOf('x'))).toBe('too_large');
    expect(body.bytes().toString()).toBe('1234567890');
  });

  it('takes memory for what has arrived, never more than its limit, and gives all of it back', () => {
    const memory = new BodyMemory(1_000_000);
    const body = new BodyBuffer(262_144, memory);
    body.append(bytesOf('x'));
    expect(memory.usedBytes).toBe(4096);
    for (let i = 0; i < 26; i++) body.append(new ArrayBuffer(10_000));
    expect(memory.usedBytes).toBe(262_144);
    body.clear();
    expect(memory.usedBytes).toBe(0);
    body.clear();
    expect(memory.usedBytes).toBe(0);
    expect(body.append(bytesOf('again'))).toBe('ok');
    expect(body.bytes().toString()).toBe('again');
  });

  it('is refused when all bodies together take what is allowed, and fits again when another ends', () => {
    const memory = new BodyMemory(10_000);
    const [first, second] = [new BodyBuffer(9000, memory), new BodyBuffer(9000, memory)];
    expect(first.append(new ArrayBuffer(8000))).toBe('ok');
    expect(second.append(bytesOf('x'))).toBe('no_memory');
    expect(memory.usedBytes).toBe(8000);
    first.clear();
    expect(second.append(bytesOf('x'))).toBe('ok');
  });
});
