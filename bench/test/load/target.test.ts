import { describe, expect, it } from 'vitest';
import { loopbackTarget } from '@helios/bench/load/target';

describe('the target of a load', () => {
  it.each([
    ['http://127.0.0.1:8080/bid', { host: '127.0.0.1', port: 8080, path: '/bid' }],
    ['http://localhost/bid?x=1', { host: 'localhost', port: 80, path: '/bid?x=1' }],
    ['http://[::1]:9/', { host: '::1', port: 9, path: '/' }],
  ])('%s is taken', (url, target) => {
    expect(loopbackTarget('--url', url)).toEqual(target);
  });

  it.each(['http://10.0.0.1/bid', 'http://example.com/bid', 'http://127.0.0.1.example.com/', 'http://0.0.0.0/'])(
    '%s is another machine',
    (url) => {
      expect(() => loopbackTarget('--url', url)).toThrow('load goes to this machine only');
    },
  );

  it.each(['https://127.0.0.1/', 'bid', ''])('"%s" is no address', (url) => {
    expect(() => loopbackTarget('--url', url)).toThrow('it accepts an address such as');
  });
});
