import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** The system's Chromium, as `scripts/install-system --browser` installs it: found on the PATH, or where HELIOS_CHROMIUM says. */

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const path = chromiumPath(process.env);

/** Why nothing can be looked at in a browser on this machine; undefined where it can. */
export const chromiumAbsent =
  path === null ? 'no Chromium on the PATH: run scripts/install-system --browser, or set HELIOS_CHROMIUM' : undefined;

/** Starts it without a window and with a profile of its own. @throws Error when there is none. */
export async function launchChromium(): Promise<Browser> {
  if (path === null) throw new Error(`There is ${chromiumAbsent}.`);
  return chromium.launch({
    executablePath: path,
    // Nothing but the page under test talks to the network.
    args: [
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

function chromiumPath(env: NodeJS.ProcessEnv): string | null {
  const chosen = env['HELIOS_CHROMIUM'];
  if (chosen !== undefined && chosen !== '') return chosen;
  const folders = (env['PATH'] ?? '').split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram) ?? null;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
