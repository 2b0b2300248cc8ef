import { describe, expect, it } from 'vitest';
import { readPage } from '../../src/walks/page.js';

const fence = (marker: string, body = 'true', language = 'sh') => `${marker}\n\`\`\`${language}\n${body}\n\`\`\`\n`;
const local = '<!-- walk: local -->';
const read = (...parts: string[]) => readPage('docs/page.md', parts.join('\n'));
const faultsOf = (...parts: string[]) => read(...parts).faults.map(({ line, why }) => `${line}: ${why}`);

describe('a page', () => {
  it('gives its blocks in order, with what each prints and where it stands', () => {
    const { page, faults } = read(
      '# Title',
      '## Without a cluster',
      fence('<!-- walk: start name=stack -->', 'npm start'),
      fence('<!-- walk: output numbers=vary -->', 'Helios runs.', 'text'),
      fence('<!-- walk: local within=20s -->', 'curl -s http://127.0.0.1:8080/'),
      fence('<!-- walk: output -->', '{}', 'json'),
      fence('<!-- walk: shown -->', 'a -> b', 'text'),
      fence('<!-- walk: stop name=stack -->', 'Stopped.', 'text'),
      '## In a cluster',
      fence('<!-- walk: cluster -->', 'kubectl get pods'),
    );
    expect(faults).toEqual([]);
    expect(page.blocks).toMatchObject([
      {
        kind: 'start',
        name: 'stack',
        command: 'npm start',
        expected: { form: 'lines', text: 'Helios runs.', numbersVary: true },
        section: 'Without a cluster',
      },
      { kind: 'local', withinMs: 20_000, expected: { form: 'json', text: '{}', numbersVary: false } },
      { kind: 'shown' },
      { kind: 'stop', name: 'stack', expected: { text: 'Stopped.' } },
      { kind: 'cluster', command: 'kubectl get pods', expected: null, section: 'In a cluster' },
    ]);
    expect(page.blocks[0]?.line).toBe(4);
  });

  it('stops without a block, and gives an output to what was started before', () => {
    const { page, faults } = read(
      fence('<!-- walk: start name=helios after="npm ci" -->', 'npm ci && npm start'),
      fence('<!-- walk: covered -->', 'npm test'),
      fence('<!-- walk: output name=helios -->', 'Helios runs.', 'text'),
      '<!-- walk: stop name=helios -->',
      'More text.',
    );
    expect(faults).toEqual([]);
    expect(page.blocks).toMatchObject([
      { kind: 'start', command: 'npm start', doneBefore: 'npm ci', expected: { text: 'Helios runs.' } },
      { kind: 'covered', expected: null },
      { kind: 'stop', expected: null },
    ]);
  });
});

describe('a fault of a page', () => {
  it.each([
    ['a block without a marker', ['text', fence('', 'true')], /^3: the fenced block has no marker/],
    ['a marker with a blank line below it', [local, '', fence('', 'true')], /^1: the marker has no fenced block/],
    ['an unknown marker', [fence('<!-- walk: maybe -->')], /^1: there is no marker "maybe"/],
    ['a marker that is no marker', [fence('<!-- walk local -->')], /^1: this is no marker/],
    ['a marker with blanks inside', [fence('<!--walk: local-->')], /^1: this is no marker/],
    ['an attribute of another marker', [fence('<!-- walk: cluster within=3s -->')], /^1: the marker "cluster" has no within/],
    ['an attribute with a wrong value', [fence('<!-- walk: local within=soon -->')], /^1: within=soon is not/],
    ['a name that is missing', [fence('<!-- walk: start -->')], /^1: the marker "start" needs name/],
    ['commands that are only shown', [fence('<!-- walk: shown -->')], /^2: commands cannot be marked shown/],
    ['commands that are an output', [fence(local), fence('<!-- walk: output -->')], /^7: commands cannot be marked output/],
    ['a local block in no language', [fence(local, 'true', '')], /^2: a block marked local holds commands/],
    ['an output of nothing', [fence('<!-- walk: output -->', 'x', 'text')], /^2: no command stands before this output/],
    [
      'a second output',
      [fence(local), fence('<!-- walk: output -->', 'x', 'text'), fence('<!-- walk: output -->', 'x', 'text')],
      /^12: no command/,
    ],
    ['an output of a covered block', [fence('<!-- walk: covered -->'), fence('<!-- walk: output -->', 'x', 'text')], /^7: no command/],
    ['a block that does not end', [`${local}\n\`\`\`sh\ntrue`], /^2: the fenced block does not end/],
    ['an indented block', [`${local}\n  \`\`\`sh\n  true\n  \`\`\``], /^2: the fenced block is indented/],
    ['something that is never stopped', [fence('<!-- walk: start name=a -->')], /^2: a is started and never stopped/],
    ['a stop of something else', [fence('<!-- walk: start name=a -->'), '<!-- walk: stop name=b -->', ''], /^6: b is stopped although/],
    [
      'something started twice',
      [fence('<!-- walk: start name=a -->'), fence('<!-- walk: start name=a -->')],
      /^7: a is started although it runs/,
    ],
    [
      'a first part that is not there',
      [fence('<!-- walk: local after="npm ci" -->', 'npm test')],
      /^2: the block does not begin with "npm ci && "/,
    ],
  ])('is %s', (_, parts, expected) => {
    expect(faultsOf(...parts)[0]).toMatch(expected);
  });

  it('is told once: a block behind a broken marker is not blamed as well', () => {
    expect(faultsOf(fence('<!-- walk: maybe -->'))).toHaveLength(1);
  });
});
