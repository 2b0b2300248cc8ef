import { chromiumAbsent } from '../../../scripts/src/chromium.js';

export { chromiumAbsent, launchChromium } from '../../../scripts/src/chromium.js';

/** What a suite's name says when it is skipped. */
export const whySkipped = chromiumAbsent === undefined ? '' : ` (skipped: ${chromiumAbsent})`;
