import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Saturation {
  readonly accepted: number;
  readonly others: number;
  readonly seconds: number;
}

/** Runs the closed-loop load in a process of its own. @param bodies one JSON body a line. @throws Error when the process fails. */
export function saturate(port: number, connections: number, seconds: number, bodies: string): Promise<Saturation> {
  const file = fileURLToPath(new URL('saturate.js', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, String(port), String(connections), String(seconds)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('exit', (code) =>
      code === 0 ? resolve(JSON.parse(output) as Saturation) : reject(new Error(`the load process ended with exit code ${code}`)),
    );
    child.stdin.end(bodies);
  });
}
