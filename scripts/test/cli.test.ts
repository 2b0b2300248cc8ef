import { expect, it } from 'vitest';
import { decimalNumber, httpAddress, readFlags, UsageError, wholeNumber } from '../src/cli.js';

it('reads numbers within their bounds and says what is accepted otherwise', () => {
  expect(wholeNumber('--count', undefined, 3, 1, 9)).toBe(3);
  expect(wholeNumber('--count', '9', 3, 1, 9)).toBe(9);
  for (const wrong of ['0', '10', '1.5', '', 'x', '1e0', ' 1']) expect(() => wholeNumber('--count', wrong, 3, 1, 9)).toThrow('--count is');
  expect(decimalNumber('--rate', '0.5', 1, 0, 10)).toBe(0.5);
  for (const wrong of ['-1', '11', '1e1', 'NaN', '.5']) expect(() => decimalNumber('--rate', wrong, 1, 0, 10)).toThrow(UsageError);
});

it('takes http addresses only', () => {
  expect(httpAddress('--verify', 'http://127.0.0.1:8000/')).toBe('http://127.0.0.1:8000');
  for (const wrong of ['127.0.0.1:8000', 'https://x', 'ftp://x', '']) expect(() => httpAddress('--verify', wrong)).toThrow(UsageError);
});

it('refuses unknown flags with a sentence', () => {
  expect(() => readFlags(['--nope'], { help: { type: 'boolean' } })).toThrow(UsageError);
});
