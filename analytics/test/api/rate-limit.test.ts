import { describe, expect, it } from 'vitest';
import { RateLimiter } from '../../src/api/rate-limit.js';

describe('RateLimiter', () => {
  it('lets a burst of twice the rate through, then the rate', () => {
    const limiter = new RateLimiter(2, 10);
    expect(Array.from({ length: 5 }, () => limiter.take('a', 0))).toEqual([0, 0, 0, 0, 1]);
    expect(limiter.take('a', 499)).toBe(1);
    expect(limiter.take('a', 1000)).toBe(0);
    expect(limiter.limited).toBe(2);
  });

  it('counts each address for itself', () => {
    const limiter = new RateLimiter(1, 10);
    for (let i = 0; i < 3; i++) limiter.take('a', 0);
    expect(limiter.take('b', 0)).toBe(0);
  });

  it('remembers a bounded number of addresses and forgets the one longest unseen', () => {
    const limiter = new RateLimiter(1, 2);
    for (const client of ['a', 'a', 'b', 'b', 'a', 'c']) limiter.take(client, 0);
    expect(limiter.take('a', 0)).toBe(1);
    expect(limiter.take('b', 0)).toBe(0);
  });

  it('is off at 0', () => {
    const limiter = new RateLimiter(0, 2);
    expect(Array.from({ length: 100 }, () => limiter.take('a', 0)).every((wait) => wait === 0)).toBe(true);
  });
});
