import { expect, it } from 'vitest';
import { commandsOf } from '../../src/walks/shell-words.js';

const wordsOf = (script: string) => commandsOf(script).map(({ words }) => words);

it.each([
  ['words and quotes', `grep -m1 "a b" 'c "d"' e\\ f`, [['grep', '-m1', 'a b', 'c "d"', 'e f']]],
  ['pipes, lists and lines', 'a | b && c; d\ne &', [['a'], ['b'], ['c'], ['d'], ['e']]],
  ['comments, and what only looks like one', 'curl http://h/#x   # told\n# all of it\nb', [['curl', 'http://h/#x'], ['b']]],
  ['lines that go on', 'kubectl get \\\n  pods', [['kubectl', 'get', 'pods']]],
  ['redirections', 'a >out 2>&1 < in b 2>> log', [['a', 'b']]],
  ['here-documents', 'curl -d @- <<BID\n{"a": "b; c"} | x\nBID\nls', [['curl', '-d', '@-'], ['ls']]],
  ['subshells and functions', 'f() { npm test; }\n( a )', [['f'], ['{', 'npm', 'test'], ['}'], ['a']]],
  [
    'commands inside of commands',
    'kill "$(node -p 1)" $(echo $(date))',
    [['kill', '$(node -p 1)', '$(echo $(date))'], ['node', '-p', '1'], ['echo', '$(date)'], ['date']],
  ],
  [
    'quotes inside of commands inside of quotes',
    `kill -9 "$(node -p 'f("x").g(1)')" b`,
    [
      ['kill', '-9', `$(node -p 'f("x").g(1)')`, 'b'],
      ['node', '-p', 'f("x").g(1)'],
    ],
  ],
  ['nothing', ' \n# only told\n', []],
])('reads %s', (_, script, expected) => {
  expect(wordsOf(script)).toEqual(expected);
});

it('keeps variables apart from words, and says in which line a command begins', () => {
  expect(commandsOf('A=1 B="x y" npm start\n\nID=$(date)\nls')).toEqual([
    { line: 0, variables: ['A', 'B'], words: ['npm', 'start'] },
    { line: 2, variables: [], words: ['date'] },
    { line: 3, variables: [], words: ['ls'] },
  ]);
});
