import { readFileSync } from 'node:fs';
import { eventFaultCodes } from '@helios/proto/events';
import { requestFaultCodes } from '@helios/proto/request-fault';
import { headerNames, replayHeaderNames } from '@helios/proto/topics';
import { expect, test } from 'vitest';
import { optionsOf } from '../../src/dead-letters/options.js';

const page = readFileSync(new URL('../../../docs/dead-letters.md', import.meta.url), 'utf8');

test('the reasons of docs/dead-letters.md are those that the stages give, both ways', () => {
  const rows = [...page.matchAll(/^\| (all|`\w+`) \| [^|]*\| `(\w+)` \|/gm)].map(([, stage, code]) => ({ stage, code }));
  const listed = (name: string) => new Set(rows.filter(({ stage }) => stage === 'all' || stage === `\`${name}\``).map(({ code }) => code));
  expect(listed('bidder')).toEqual(new Set([...requestFaultCodes, 'worker_failed']));
  expect(listed('auction')).toEqual(new Set(eventFaultCodes));
  expect(listed('writer')).toEqual(new Set([...eventFaultCodes, 'bad_row']));
});

test('it names every header of a letter', () => {
  for (const name of [...Object.values(headerNames), replayHeaderNames.replayedFrom])
    expect(page, name).toMatch(new RegExp(`\`${name}\`|\`-${name.replace('helios-source-', '')}\``));
});

test('its commands are ones that the program takes', () => {
  const commands = [...page.matchAll(/^npm run dead-letters -- (.+?)\s*(?:#.*|>.*)?$/gm)].map(([, line = '']) => line.split(/\s+/));
  expect(commands.length).toBeGreaterThan(5);
  for (const args of commands) expect(optionsOf(args, 0), args.join(' ')).not.toBeNull();
});
