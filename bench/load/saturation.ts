import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { nextBidRequest } from '@helios/scripts/bid-request-mix';
import { SeededRandom } from '@helios/scripts/random';

/** Runs the closed-loop load of saturate.ts as a process of its own: what every measurement of throughput beside others has in common. */

export const CONNECTIONS = 256;
const BODIES = 500;

export interface Saturated {
  /** Answers 202, and answers of any other kind, connections that the server ended included. */
  readonly accepted: number;
  readonly others: number;
  readonly seconds: number;
}

/** The same 500 bodies of the short form every time, one a line, and their mean size. */
export function saturationBodies(): { readonly lines: string; readonly bytesMean: number } {
  const random = new SeededRandom(1);
  const bodies = Array.from({ length: BODIES }, () => JSON.stringify(nextBidRequest(random, { shape: 'short', floors: 'split' })));
  return { lines: bodies.join('\n'), bytesMean: Math.round(bodies.reduce((sum, body) => sum + Buffer.byteLength(body), 0) / BODIES) };
}

/** Posts the bodies over 256 connections for so long, each as soon as the last answer on its connection is complete. */
export function saturate(port: number, seconds: number, lines: string): Promise<Saturated> {
  const file = fileURLToPath(new URL('./saturate.js', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, String(port), String(CONNECTIONS), String(seconds)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('exit', (code) =>
      code === 0 ? resolve(JSON.parse(output) as Saturated) : reject(new Error(`the load process ended with exit code ${code}`)),
    );
    child.stdin.end(lines);
  });
}
