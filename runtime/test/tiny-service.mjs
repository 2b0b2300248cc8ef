// The smallest service there is, for service.int.test.ts: `TINY_STOP` says how it behaves when it is stopped.
import { integer, text } from '../dist/config.js';
import { runService } from '../dist/service.js';
import { serviceSettings } from '../dist/settings.js';

const schema = {
  ...serviceSettings(0),
  size: integer({ env: 'TINY_SIZE', default: 1, min: 0, max: 10, unit: 'things', effect: 'size of the tiny service' }),
  stop: text({ env: 'TINY_STOP', default: 'clean', effect: 'how it stops' }),
};
const check = (config) => (config.size === 7 ? ['TINY_SIZE is 7: that cannot work with anything.'] : []);

await runService({ service: 'tiny', schema, check }, process.env, async ({ config, log, fail }) => {
  if (config.stop === 'fail-at-start') throw new Error('the tiny service broke its leg');
  const work = setInterval(() => undefined, 1000);
  if (config.stop === 'fail-later') setTimeout(() => fail(new Error('the tiny service gave up')), 20);
  if (config.stop === 'reject-later') setTimeout(() => void Promise.reject(new Error('nobody caught this')), 20);
  return {
    stop: async () => {
      if (config.stop === 'fail') throw new Error('the tiny service would not stop');
      clearInterval(work);
      log.info('tiny work ended');
    },
  };
});
