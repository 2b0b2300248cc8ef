import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { credentials } from '@grpc/grpc-js';
import { type BatchGetUserProfilesResponse, UserProfileServiceClient } from '@helios/proto/gen/user_profile';
import type { LogLine } from './capture-log.js';

/** A program of this workspace as a process of its own, from its built file. */
export class ServiceProcess {
  readonly exit: Promise<number | null>;
  stderr = '';
  #stdout = '';
  readonly #child: ChildProcess;

  /** @param file built file under dist/; `env` is added to nothing but PATH. */
  constructor(file: 'main.js' | 'seed.js', env: Record<string, string>, args: readonly string[] = []) {
    const path = fileURLToPath(new URL(`../dist/${file}`, import.meta.url));
    this.#child = spawn(process.execPath, [path, ...args], {
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (chunk) => (this.#stdout += String(chunk)));
    this.#child.stderr?.on('data', (chunk) => (this.stderr += String(chunk)));
    this.exit = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', resolve);
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  get lines(): LogLine[] {
    return this.#stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogLine);
  }

  terminate(): void {
    this.#child.kill('SIGTERM');
  }

  /** For a test's end: leaves nothing behind, whatever state it is in. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exit;
  }
}

/** Asks a running service for the profiles of these users. */
export function batchOf(port: number, ids: string[]): Promise<BatchGetUserProfilesResponse> {
  const client = new UserProfileServiceClient(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.enable_http_proxy': 0 });
  return new Promise<BatchGetUserProfilesResponse>((resolve, reject) => {
    client.batchGetUserProfiles({ user_ids: ids }, (error, response) => (error === null ? resolve(response) : reject(error)));
  }).finally(() => client.close());
}
