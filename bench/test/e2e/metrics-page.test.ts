import { expect, it } from 'vitest';
import { documentedMetrics, shownMetrics } from './metrics-page.js';

const page = `# Metrics

## Two of them: writer, api

| metric | type | labels | meaning | when it is bad |
|---|---|---|---|---|
| \`helios_up\`, \`helios_down\` | gauge | | both | |
| \`helios_seconds\` | histogram | \`stage\` = read, write out | time | see \`helios_up\` |

## One: api

| metric | type | labels | meaning | when it is bad |
|---|---|---|---|---|
| \`helios_info\` | gauge | \`version\` any, \`kind\` = b, a | always 1 | |
`;

const shown = `# HELP helios_up x
# TYPE helios_up gauge
helios_up 1

# HELP helios_down x
# TYPE helios_down gauge
helios_down 0

# TYPE helios_seconds histogram
helios_seconds_bucket{stage="read",le="1"} 0
helios_seconds_bucket{stage="read",le="+Inf"} 0
helios_seconds_sum{stage="read"} 0
helios_seconds_count{stage="read"} 0
helios_seconds_count{stage="write out"} 0

# TYPE helios_info gauge
helios_info{version="1.2",kind="a"} 1
helios_info{version="1.2",kind="b"} 1
`;

const { api, writer } = documentedMetrics(page);

it('reads the page: services by the headings, several names in a row, closed and open lists', () => {
  expect(writer).toEqual({
    helios_up: { type: 'gauge', labels: {} },
    helios_down: { type: 'gauge', labels: {} },
    helios_seconds: { type: 'histogram', labels: { stage: ['read', 'write out'] } },
  });
  expect(api).toEqual({ ...writer, helios_info: { type: 'gauge', labels: { version: 'any', kind: ['a', 'b'] } } });
  expect(() => documentedMetrics(page.replace('One: api', 'One: apis'))).toThrow('apis');
  expect(() => documentedMetrics(page.replace('helios_info', 'helios_up'))).toThrow('twice');
});

it('says the same of a scrape that is as the page says', () => {
  expect(shownMetrics(shown, api)).toEqual(api);
});

it.each([
  ['a metric that the page does not have', `${shown}# TYPE helios_more gauge\nhelios_more 1\n`],
  ['a metric that is gone', shown.replace(/# TYPE helios_down[^#]*/, '')],
  ['another type', shown.replace('helios_up gauge', 'helios_up counter')],
  ['another label', shown.replaceAll('version=', 'release=')],
  ['a value more', `${shown}helios_info{version="1.2",kind="c"} 1\n`],
  ['a value less', shown.replace(/helios_seconds_count\{stage="write out"\} 0\n/, '')],
  ['a metric with a closed list and no sample', shown.replace(/helios_info\{.*\n/g, '')],
])('differs for %s', (_, text) => {
  expect(shownMetrics(text, api)).not.toEqual(api);
});
