import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAlive } from '../../src/process-info.js';
import { readPage } from '../../src/walks/page.js';
import { runPage } from '../../src/walks/run-page.js';
import { portsFrom } from '../../src/walks/walk-ports.js';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'helios-walks-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const fence = (marker: string, body: string, language = 'sh') => `<!-- walk: ${marker} -->\n\`\`\`${language}\n${body}\n\`\`\`\n`;
const run = (command: string) => fence('local', command);
const shows = (text: string) => fence('output', text, 'text');
/** Ready at once, ends with 0 at Ctrl-C; `before` runs first. */
const service = (before = '') => `trap 'echo Stopped.; exit 0' INT; ${before} echo "Ready as $$"; while true; do sleep 0.05; done`;

async function walk(...parts: string[]) {
  const { page, faults } = readPage('docs/page.md', parts.join('\n'));
  expect(faults).toEqual([]);
  const said: string[] = [];
  const result = await runPage(page, {
    root,
    env: process.env,
    ports: portsFrom(15_000),
    limits: { commandMs: 2000, startMs: 2000, stopMs: 1000 },
    signal: new AbortController().signal,
    say: (line) => said.push(line),
  });
  return { ...result, said };
}

describe('a walk', () => {
  it('runs the blocks in one shell, in order, and compares what they print', async () => {
    const {
      run: count,
      fault,
      said,
    } = await walk(
      run('X=1\nf() { echo "f $1 $X"; }'),
      run('echo "x is $X"; pwd'),
      shows(`x is 1\n${root}`),
      run('f a | cat\necho unseen >&2'),
      shows('f a 1'),
      fence('cluster', 'exit 1'),
      fence('shown', 'nothing', 'text'),
    );
    expect(fault).toBeNull();
    expect(count).toBe(3);
    expect(said).toHaveLength(3);
    expect(said[1]).toMatch(/^docs\/page\.md:\d+ echo "x is \$X"; pwd: \d+\.\d s$/);
  });

  it('runs on its own ports, and shows those of the page', async () => {
    const { fault } = await walk(
      run('echo "http://127.0.0.1:8080/ is on $((15000 + 0))"; echo http://127.0.0.1:15002/'),
      shows('http://127.0.0.1:8080/ is on 15000\nhttp://127.0.0.1:8000/'),
    );
    expect(fault).toBeNull();
  });

  it('tries again within the time that the page gives, without keeping what a try set', async () => {
    const { fault } = await walk(
      run('echo 0 > tries'),
      fence('local within=5s', 'N=$(($(cat tries) + 1)); echo "$N" > tries; test "$N" -gt 2; echo "try $N"'),
      shows('try 3'),
      run('echo "${N:-none}"'),
      shows('none'),
    );
    expect(fault).toBeNull();
  });

  it('starts a service, goes on when it prints what the page shows, and presses Ctrl-C', async () => {
    const { fault, run: count } = await walk(
      fence('start name=one', service('echo Begin;')),
      shows('Ready as <number>'),
      run('echo beside'),
      fence('stop name=one', 'Stopped.', 'text'),
    );
    expect(fault).toBeNull();
    expect(count).toBe(3);
  });
});

describe('a walk fails', () => {
  it.each([
    ['at a wrong output', [run('echo a'), shows('b')], 2, /no line fits "b"; printed:\na/],
    [
      'at a command that ends with an error',
      [run('echo told; echo why >&2; exit 3')],
      2,
      /ended with 3; printed:\ntold\nstandard error:\nwhy/,
    ],
    ['at an error in the middle of a block', [run('false\necho on')], 2, /ended with 1/],
    ['at an error in a pipe', [run('false | cat')], 2, /ended with 1/],
    ['at a variable that nobody set', [run('echo "$NOBODY"')], 2, /NOBODY: unbound variable/],
    ['at a command that takes too long', [run('echo begun; sleep 30')], 2, /took too long and was killed; printed:\nbegun/],
    ['when the time to try again is over', [fence('local within=1s', 'echo no'), shows('yes')], 2, /^after 1 s still: no line fits "yes"/],
    [
      'when a service never prints what is shown',
      [fence('start name=one', service()), shows('Else'), '<!-- walk: stop name=one -->', ''],
      2,
      /did not print what the page shows within 2 s[^]*Ready as/,
    ],
    [
      'when a service ends by itself',
      [fence('start name=one', 'echo Bye; exit 5'), shows('Hello'), '<!-- walk: stop name=one -->', ''],
      2,
      /one ended by itself \(exit code 5\)[^]*Bye/,
    ],
    [
      'when a service does not stop',
      [fence('start name=one', service("trap '' INT;")), shows('Ready as <number>'), '<!-- walk: stop name=one -->', ''],
      11,
      /did not stop within 1 s of Ctrl-C/,
    ],
    [
      'when a service stops with an error',
      [fence('start name=one', service("trap 'exit 4' INT;")), shows('Ready as <number>'), '<!-- walk: stop name=one -->', ''],
      11,
      /stopped with exit code 4/,
    ],
    [
      'when a service says another last word',
      [fence('start name=one', service()), shows('Ready as <number>'), fence('stop name=one', 'Gone.', 'text')],
      12,
      /does not end as the page shows[^]*Stopped\./,
    ],
    [
      'when a service leaves a process behind',
      [
        fence('start name=one', service("(trap '' INT; exec sleep 30 >/dev/null 2>&1) &")),
        shows('Ready as <number>'),
        '<!-- walk: stop name=one -->',
        '',
      ],
      11,
      /left a process behind/,
    ],
  ])('%s', { timeout: 20_000 }, async (_, parts, line, why) => {
    const { fault } = await walk(...parts);
    expect(fault).toMatchObject({ page: 'docs/page.md', line });
    expect(fault?.why).toMatch(why);
  });

  it('at the first fault, and ends what it started', async () => {
    const { fault, run: count } = await walk(
      fence('start name=one', service('echo "$$" > pid;')),
      shows('Ready as <number>'),
      run('exit 1'),
      run('touch later'),
      '<!-- walk: stop name=one -->',
      '',
    );
    expect(fault?.why).toMatch(/ended with 1[^]*the end of what one printed:\nReady as/);
    expect(count).toBe(1);
    const { fault: none } = await walk(run('cat pid; test ! -e later'), shows('<number>'));
    expect(none).toBeNull();
    const pid = Number((await import('node:fs')).readFileSync(join(root, 'pid'), 'utf8'));
    expect(isAlive(pid)).toBe(false);
  });
});
