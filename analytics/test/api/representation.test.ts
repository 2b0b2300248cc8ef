import { describe, expect, it } from 'vitest';
import { prefersCsv } from '../../src/api/representation.js';

describe('prefersCsv', () => {
  it.each<[string | undefined, boolean]>([
    [undefined, false],
    ['', false],
    ['*/*', false],
    ['application/json', false],
    ['text/csv', true],
    ['TEXT/CSV; charset=utf-8', true],
    ['text/*', true],
    ['text/csv, */*', true],
    ['*/*, text/csv', true],
    ['text/csv, application/json', false],
    ['application/json;q=0.5, text/csv;q=0.6', true],
    ['application/json;q=0.6, text/csv;q=0.5', false],
    ['text/csv;q=0.5, */*', false],
    ['text/csv;q=0', false],
    ['text/*;q=1, text/csv;q=0', false],
    ['text/csv;q=0, application/json;q=0', false],
    ['text/csv;q=2, application/json;q=0.1', false],
    ['text/csv ; q=0.9 , application/*;q=0.8', true],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8', false],
    ['image/png', false],
    [`${'a/b,'.repeat(1000)}text/csv`, false],
  ])('of %j: %j', (accept, csv) => {
    expect(prefersCsv(accept)).toBe(csv);
  });
});
