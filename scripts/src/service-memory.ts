/** How memory serves a Helios service, for whoever starts one: both are read when the process starts, so a service cannot set them for itself. */

/**
 * glibc's allocator. With its defaults the native memory of busy threads (librdkafka, zlib, libuv) stays spread over many arenas and is not
 * given back: ingest's RSS grew from 83 to 157 MiB over 10,000 oversized bodies, and from 79 to 101 MiB with these. Other C libraries ignore them.
 */
export const allocatorEnv = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072' } as const;

/**
 * Node's own options: V8's young generation at its full size from the start. Left alone it doubles and halves as load comes and goes, which
 * moved RSS by 7 MiB after minutes of even load (fault row 28) and could not be told from a leak.
 */
export const heapOptions: readonly string[] = ['--min-semi-space-size=16', '--max-semi-space-size=16'];
