import { describe, expect, it } from 'vitest';
import { metricNames, operandsOf } from './promql.js';

describe('the metrics that an expression names', () => {
  it.each([
    ['up', ['up']],
    [
      'sum by (job, le) (rate(a_bucket{le="0.025", b=~"x|y_z"}[5m])) / on (slo) group_left (c) (1 - slo:d:ratio)',
      ['a_bucket', 'slo:d:ratio'],
    ],
    ['histogram_quantile(0.99, sum by (le) (rate(a_bucket[$__rate_interval]))) > 250e6 and e offset 1h < bool 3', ['a_bucket', 'e']],
    ['time() - process_start_time_seconds{job="in"}', ['process_start_time_seconds']],
    ['a / a', ['a']],
  ])('%s', (expr, names) => {
    expect(metricNames(expr)).toEqual(names);
  });
});

describe('the operands of an expression', () => {
  it.each([
    ['a > 1', ['a']],
    ['a{x=">"} >= b', ['a{x=">"}', 'b']],
    ['sum(a > 0) == 0', ['sum(a > 0)']],
    ['a > 14.4\nand b > 14.4 and c * 3600 > 20', ['a', 'b', 'c * 3600']],
    ['(a == 0) or 0 * absent(up{job="x or y"})', ['a', '0 * (up{job="x or y"})']],
    ['((a unless on (job) b)) != bool c', ['a', 'b', 'c']],
    ['android > 250e6', ['android']],
    ['job:or_b:max > 1', ['job:or_b:max']],
  ])('%s', (expr, operands) => {
    expect(operandsOf(expr)).toEqual(operands);
  });
});
