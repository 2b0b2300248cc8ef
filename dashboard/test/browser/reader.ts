import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

/** The parts of the page by role and accessible name, as a reader finds them, and how a reader without a mouse gets to them. */

const WAIT_MS = 15_000;
/** More stops than the page has: who has not arrived by then never will. */
const TAB_STOPS_MAX = 400;

export const presets = ['15 min', '1 h', '6 h', '24 h', '7 d', '30 d'] as const;

export class Reader {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  status(): Locator {
    return this.page.getByRole('banner').getByRole('status');
  }

  preset(name: (typeof presets)[number]): Locator {
    return this.page.getByRole('button', { name: `Last ${name}`, exact: true });
  }

  customRange(): Locator {
    return this.page.getByRole('group', { name: 'Time range' }).locator('button[aria-expanded]');
  }

  /** One of the figures on top, by its name. */
  figure(name: string): Locator {
    return this.page
      .getByRole('region', { name: 'How we are doing' })
      .locator('.figure-card')
      .filter({ has: this.page.getByRole('heading', { name: new RegExp(`^${name}`) }) });
  }

  rangeField(name: 'From' | 'To'): Locator {
    return this.page.getByLabel(name, { exact: true });
  }

  /** The panel of a breakdown: `Sites`, `Top interests`, ... */
  breakdown(title: string): Locator {
    return this.page.getByRole('region', { name: title, exact: true });
  }

  /** A row's button, which filters the page. */
  breakdownRow(title: string, value: string): Locator {
    return this.breakdown(title).getByRole('button', { name: value, exact: true });
  }

  /** A heading of a breakdown's table. */
  breakdownColumn(title: string, column: string): Locator {
    return this.breakdown(title).getByRole('columnheader', { name: column, exact: true });
  }

  chip(filter: string): Locator {
    return this.page.getByRole('button', { name: `Remove filter: ${filter}` });
  }

  chart(title: string): Locator {
    return this.page.getByRole('figure', { name: title });
  }

  /** The plot of a chart, operated like a slider. */
  plot(title: string): Locator {
    return this.page.getByRole('slider', { name: `${title} over time` });
  }

  outcomes(): Locator {
    return this.page.getByRole('region', { name: 'Newest outcomes' });
  }

  outcomeRows(): Locator {
    return this.outcomes().locator('tbody tr:not([aria-hidden])');
  }

  drawer(): Locator {
    return this.page.getByRole('dialog', { name: 'Outcome' });
  }

  /** Goes to an address and waits until every panel has its answer. */
  async open(address: string): Promise<void> {
    await this.page.goto(address);
    await this.ready();
  }

  async ready(): Promise<void> {
    await this.statusIs(/^(Live|Paused)$/);
    await this.page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null, undefined, { timeout: WAIT_MS });
  }

  async statusIs(word: string | RegExp): Promise<void> {
    await this.status().filter({ hasText: word }).waitFor({ timeout: WAIT_MS });
  }

  /** Presses Tab until the element has the focus, as a reader without a mouse does. */
  async tabTo(target: Locator): Promise<void> {
    await target.waitFor({ timeout: WAIT_MS });
    for (let stop = 0; stop < TAB_STOPS_MAX; stop++) {
      if (await hasFocus(target)) return;
      await this.page.keyboard.press('Tab');
    }
    expect.fail(`Tab does not lead to ${target.toString()}`);
  }

  /** Tabs to the element and presses a key there. */
  async pressAt(target: Locator, key: string): Promise<void> {
    await this.tabTo(target);
    await this.page.keyboard.press(key);
  }

  /** The parameters in the page's address. */
  query(): Record<string, string> {
    return Object.fromEntries(new URL(this.page.url()).searchParams);
  }
}

export function hasFocus(target: Locator): Promise<boolean> {
  return target.evaluate((element) => element === document.activeElement);
}

/** Waits until `read` gives what is expected; the last difference is the failure. */
export async function eventually<T>(read: () => Promise<T> | T, expected: T, timeoutMs = WAIT_MS): Promise<void> {
  const deadlineMonoMs = performance.now() + timeoutMs;
  for (;;) {
    const value = await read();
    try {
      expect(value).toEqual(expected);
      return;
    } catch (error) {
      if (performance.now() > deadlineMonoMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
