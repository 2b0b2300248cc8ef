/**
 * How glibc's allocator serves a Helios service, for whoever starts one. With its defaults the native memory of busy threads (librdkafka,
 * zlib, libuv) stays spread over many arenas and is not given back: ingest's RSS grew from 83 to 157 MiB over 10,000 oversized bodies, and
 * from 79 to 101 MiB with these. Read by the C library when the process starts, so a service cannot set them for itself; other C libraries
 * ignore them.
 */
export const allocatorEnv = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072' } as const;
