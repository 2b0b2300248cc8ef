import { setTimeout as sleep } from 'node:timers/promises';

/** One service that should become ready. */
export interface Awaited {
  readonly name: string;
  readonly adminUrl: string;
  /** Ends that nobody asked for so far. */
  deaths(): number;
  /** What it said in plain sentences since it last started. */
  said(): string;
}

const POLL_MS = 150;
/** A service that dies this often before it was ever ready will not get there. */
const DEATHS_MAX = 3;

/**
 * Waits until every service answers `/readyz` with 200.
 * @throws Error that names the services that are not ready, with their own reasons.
 */
export async function untilReady(services: readonly Awaited[], limitMs: number): Promise<void> {
  const deadlineMonoMs = performance.now() + limitMs;
  let waiting = [...services];
  const reasons = new Map<string, string>();
  while (waiting.length > 0) {
    const answers = await Promise.all(waiting.map((service) => notReadyBecause(service.adminUrl)));
    for (const [index, service] of waiting.entries()) reasons.set(service.name, answers[index] ?? '');
    waiting = waiting.filter((_, index) => answers[index] !== null);
    const hopeless = waiting.filter((service) => service.deaths() >= DEATHS_MAX);
    if (hopeless.length > 0) {
      const names = hopeless.map((service) => service.name).join(', ');
      throw new Error(
        `${names} ended ${DEATHS_MAX} times before being ready.\n${hopeless.map((service) => service.said()).join('\n')}`.trimEnd(),
      );
    }
    if (waiting.length > 0 && performance.now() > deadlineMonoMs) {
      const list = waiting.map((service) => `${service.name} (${reasons.get(service.name)})`).join(', ');
      throw new Error(`Not ready after ${limitMs / 1000} s: ${list}.`);
    }
    if (waiting.length > 0) await sleep(POLL_MS);
  }
}

/** The body of an admin endpoint, or null when the service does not answer within a second. */
export async function readAdmin(url: string): Promise<{ status: number; text: string } | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
    return { status: response.status, text: await response.text() };
  } catch {
    return null; // not listening, or too busy: the caller asks again
  }
}

async function notReadyBecause(adminUrl: string): Promise<string | null> {
  const answer = await readAdmin(`${adminUrl}/readyz`);
  if (answer === null) return 'does not answer';
  if (answer.status === 200) return null;
  try {
    return (JSON.parse(answer.text) as { reasons: string[] }).reasons.join('; ');
  } catch {
    return `answers ${answer.status}`;
  }
}
