import { parseBidRequest } from '@helios/proto/bid-request';
import { median, rounded, writeResult } from '../result-file.js';
import { type ParseCase, parseCases, parseMixes } from './parse-cases.js';

/**
 * Question: how many bodies a second does one core parse and validate, and what is that beside JSON.parse alone?
 * Method: the function that ingest and the bidder call, alone in this process, over bodies of each shape and over a mix with refused ones in
 * it, in turns with JSON.parse over the same bytes; several samples of each. Checked in every sample: each answer is the one that the
 * body was made for (id and number of slots, or refused).
 */
const BODIES = 2000;
const ROUND = 200;

interface Sample {
  readonly requestsPerSecondPerCore: number;
  readonly cpuMicrosPerRequest: number;
  readonly jsonParseCpuMicros: number;
}

export async function benchParse(options: { seconds: number; samples: number; command: string }): Promise<void> {
  const mixes: Record<string, object> = {};
  for (const mix of parseMixes) {
    const cases = parseCases(mix, BODIES);
    const bytesMean = Math.round(cases.reduce((sum, each) => sum + each.body.length, 0) / cases.length);
    measure(cases, options.seconds / 2); // warm-up
    const samples = Array.from({ length: options.samples }, () => measure(cases, options.seconds));
    const cpuMicros = rounded(median(samples.map((sample) => sample.cpuMicrosPerRequest)));
    mixes[mix] = {
      bodies: cases.length,
      bytesMean,
      refusedShare: rounded(cases.filter(({ want }) => want === null).length / cases.length, 3),
      requestsPerSecondPerCore: Math.round(median(samples.map((sample) => sample.requestsPerSecondPerCore))),
      cpuMicrosPerRequest: cpuMicros,
      jsonParseCpuMicros: rounded(median(samples.map((sample) => sample.jsonParseCpuMicros))),
      samples,
    };
    console.log(`parse, ${mix}: ${cpuMicros} us a body of ${bytesMean} bytes`);
  }
  const path = writeResult('parse', options.command, {
    question: 'bodies a second a core parsed, validated and normalised, answers checked; JSON.parse alone over the same bytes beside it',
    mixes,
  });
  console.log(`parse: ${path}`);
}

/** Both functions in turns over the same bodies, at least `seconds` together; CPU time, so that waiting for a core does not count. */
function measure(cases: readonly ParseCase[], seconds: number): Sample {
  const startedMonoMs = performance.now();
  let ours = 0;
  let theirs = 0;
  let count = 0;
  for (let at = 0; performance.now() - startedMonoMs < seconds * 1000; at = (at + ROUND) % cases.length) {
    const round = cases.slice(at, at + ROUND);
    ours += cpuMicros(() => parseAll(round));
    theirs += cpuMicros(() => jsonParseAll(round));
    count += round.length;
  }
  const perRequest = ours / count;
  return {
    requestsPerSecondPerCore: Math.round(1e6 / perRequest),
    cpuMicrosPerRequest: rounded(perRequest),
    jsonParseCpuMicros: rounded(theirs / count),
  };
}

/** @throws Error when an answer is not the one that the body was made for. */
function parseAll(cases: readonly ParseCase[]): void {
  for (const { body, want } of cases) {
    const parsed = parseBidRequest(body);
    const right = want === null ? !parsed.ok : parsed.ok && parsed.request.id === want.id && parsed.request.slots.length === want.slots;
    if (!right) throw new Error(`wrong answer for ${body.toString().slice(0, 200)}: ${JSON.stringify(parsed).slice(0, 200)}`);
  }
}

/** What the library does at least; texts that are no JSON cost it an exception, as they do anybody. */
function jsonParseAll(cases: readonly ParseCase[]): void {
  for (const { body, isJson } of cases) {
    try {
      JSON.parse(body.toString());
    } catch (error) {
      if (isJson) throw error;
    }
  }
}

function cpuMicros(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
