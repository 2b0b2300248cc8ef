import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/cli.js';
import { optionsOf } from '../../src/dead-letters/options.js';

const NOW = Date.parse('2026-02-01T00:00:00Z');
const of = (line: string) => optionsOf(line === '' ? [] : line.split(' '), NOW);

describe('the command line', () => {
  test('reads filters, with times absolute and relative', () => {
    expect(
      of('list --stage bidder --reason not_utf8 --topic t --key k --since 90m --until 2026-01-31T12:00:00+01:00 --open --each --json'),
    ).toEqual({
      command: 'list',
      brokers: undefined,
      filter: {
        stage: 'bidder',
        reason: 'not_utf8',
        topic: 't',
        key: 'k',
        sinceUnixMs: NOW - 5_400_000,
        untilUnixMs: Date.parse('2026-01-31T11:00:00Z'),
      },
      openOnly: true,
      each: true,
      json: true,
    });
  });

  test('names a letter by its ID or by its source', () => {
    expect(of('show 3:117 --raw --brokers h:1')).toEqual({
      command: 'show',
      brokers: 'h:1',
      target: { partition: 3, offset: 117 },
      raw: true,
    });
    expect(of('show --source bid_requests:1:2')).toMatchObject({ target: { topic: 'bid_requests', partition: 1, offset: 2 }, raw: false });
  });

  test('chooses what to replay in one way', () => {
    expect(of('replay 0:1 2:3 --dry-run --limit 5')).toMatchObject({
      ids: [
        { partition: 0, offset: 1 },
        { partition: 2, offset: 3 },
      ],
      limit: 5,
      dryRun: true,
      yes: false,
    });
    expect(of('replay --all --yes')).toMatchObject({ ids: [], limit: Number.MAX_SAFE_INTEGER, yes: true });
  });

  test('with --help asks for nothing else', () => {
    expect(of('list --help')).toBeNull();
  });

  test.each([
    ['', /list, show or replay/],
    ['delete', /list, show or replay/],
    ['constructor', /list, show or replay/],
    ['list 3:1', /list takes no "3:1"/],
    ['list --raw', /list has no --raw/],
    ['list --nonsense', /nonsense/],
    ['show', /one letter/],
    ['show 3:1 3:2', /one letter/],
    ['show 3:1 --source a:1:2', /one letter/],
    ['show 3', /"3" is no ID/],
    ['show 3:-1', /no ID/],
    ['show --source a:1', /TOPIC:PARTITION:OFFSET/],
    ['show 3:1 --stage x', /show has no --stage/],
    ['replay', /which letters/],
    ['replay 3:1 --all', /which letters/],
    ['replay --all --stage bidder', /which letters/],
    ['replay --all --limit 0', /--limit is "0"/],
    ['list --since yesterday', /--since is "yesterday"/],
    ['list --since 2026-01-31T12:00:00', /--since/],
    ['list --until 2026-99-31', /--until/],
  ])('refuses "%s" with a sentence', (line, sentence) => {
    expect(() => of(line)).toThrow(UsageError);
    expect(() => of(line)).toThrow(sentence);
  });
});
