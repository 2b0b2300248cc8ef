/**
 * Which partition a key goes to: Kafka's default for Java clients, murmur2 over the key's bytes, so that every producer,
 * ours in JavaScript, librdkafka's `murmur2_random` and any Java tool, puts one request on one partition number.
 * Source: KIP-480 and org.apache.kafka.common.utils.Utils.murmur2 (behaviour, not code).
 */

const M = 0x5bd1e995;
const SEED = 0x9747b28c;

/** The partition in `0..partitionCount-1`; `key` is taken as its UTF-8 bytes. */
export function partitionFor(key: string | Uint8Array, partitionCount: number): number {
  if (typeof key !== 'string') return (murmur2(key, key.length) & 0x7fffffff) % partitionCount;
  // An id is at most 256 bytes: written into scratch memory, it costs no allocation.
  const length = key.length * 3 <= scratch.length ? scratch.write(key) : -1;
  const hash = length === -1 ? murmur2(Buffer.from(key), Buffer.byteLength(key)) : murmur2(scratch, length);
  return (hash & 0x7fffffff) % partitionCount;
}

const scratch = Buffer.alloc(1024);

/** murmur2 of the first `length` bytes, as a signed 32-bit integer. */
export function murmur2(bytes: Uint8Array, length: number): number {
  let hash = SEED ^ length;
  let index = 0;
  for (; index + 4 <= length; index += 4) {
    let word =
      (bytes[index] as number) |
      ((bytes[index + 1] as number) << 8) |
      ((bytes[index + 2] as number) << 16) |
      ((bytes[index + 3] as number) << 24);
    word = Math.imul(word, M);
    word ^= word >>> 24;
    word = Math.imul(word, M);
    hash = Math.imul(hash, M) ^ word;
  }
  const rest = length - index;
  if (rest === 3) hash ^= (bytes[index + 2] as number) << 16;
  if (rest >= 2) hash ^= (bytes[index + 1] as number) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ (bytes[index] as number), M);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, M);
  return hash ^ (hash >>> 15);
}
