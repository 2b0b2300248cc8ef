import { readFlags, UsageError, wholeNumber } from '@helios/scripts/cli';
import { apiPaths } from '../load/api-paths.js';
import { loopbackTarget } from '../load/target.js';
import { saturateApi, saturateBid, type SaturationResult } from './saturation.js';

const HELP = `Usage: npm run bench -- autocannon --url http://127.0.0.1:8080/bid [--connections N] [--seconds N] [--json]
       npm run bench -- autocannon --api --url http://127.0.0.1:8000 [--connections N] [--seconds N] [--json]

Saturation by autocannon: generated bid requests, or questions to the analytics API, over connections that send again when they have their
answer. Every answer is checked. For throughput; latency at a rate is what "load" and the k6 scenarios are for. Loopback only.

  --url URL         where to post; with --api the address of the API
  --api             ask the analytics API (start it with ANALYTICS_RATE_LIMIT=0, or its rate limit answers 429)
  --connections N   connections (64; with --api 16)
  --seconds N       whole seconds (10)
  --expects WHAT    what a right answer holds: id, or bytes for handlers that do not parse the body (id)
  --seed N          of the bodies (1)
  --json            the result as JSON on standard output

Ends with 1 when an answer was not right.
`;

/** The program `autocannon`. @returns the exit code. */
export async function runAutocannonCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = readFlags(args, {
    url: { type: 'string' },
    api: { type: 'boolean' },
    connections: { type: 'string' },
    seconds: { type: 'string' },
    expects: { type: 'string' },
    seed: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  if (positionals.length > 0) throw new UsageError(`There is no argument ${positionals[0]}.`);
  if (values.url === undefined) throw new UsageError('--url is missing.');
  loopbackTarget('--url', values.url);
  const { expects = 'id', url } = values;
  if (expects !== 'id' && expects !== 'bytes') throw new UsageError(`--expects is ${JSON.stringify(expects)}: it accepts id or bytes.`);
  const seconds = wholeNumber('--seconds', values.seconds, 10, 1, 600);
  const connections = (fallback: number): number => wholeNumber('--connections', values.connections, fallback, 1, 1000);
  const seed = wholeNumber('--seed', values.seed, 1, 0, 2 ** 31 - 1);
  const result =
    values.api === true
      ? await saturateApi({ url, seconds, connections: connections(16) }, apiPaths(Date.now()))
      : await saturateBid({ url, seconds, connections: connections(64), shape: 'openrtb', seed, expects });
  process.stdout.write(`${values.json === true ? JSON.stringify(result) : textOf(result)}\n`);
  return result.others === 0 ? 0 : 1;
}

function textOf({ right, others, firstOther, perSecond, service }: SaturationResult): string {
  return (
    `${perSecond} right answers a second (${right} in all), ${others === 0 ? 'no others' : `${others} OTHERS, the first: ${firstOther}`}\n` +
    `service time at saturation, N ${service.n}: p50 ${service.p50Ms} ms, p99 ${service.p99Ms} ms, max ${service.maxMs} ms`
  );
}
