import { describe, expect, it } from 'vitest';
import { baseImage, readDockerfile } from '../../src/images/dockerfile.js';

const BASE = 'FROM debian:trixie-slim AS base\n';
const stage = (text: string, name = 'base') => {
  const found = readDockerfile(BASE + text).get(name);
  if (found === undefined) throw new Error(`no stage ${name}`);
  return found;
};

describe('a Dockerfile', () => {
  it('becomes steps with the folder, user and environment that they run in', () => {
    const { steps } = stage(`ENV A=1 B="two words"
WORKDIR /app
RUN --mount=type=cache,target=/root/.npm npm ci \\
  # a comment in between
  && echo $A
USER 10:20
WORKDIR inner
RUN make`);
    expect(steps).toMatchObject([
      { kind: 'folder', path: '/app' },
      {
        kind: 'run',
        line: 4,
        command: 'npm ci   && echo $A',
        caches: ['/root/.npm'],
        workdir: '/app',
        user: '0:0',
        env: { A: '1', B: 'two words' },
      },
      { kind: 'folder', path: '/app/inner' },
      { kind: 'run', command: 'make', caches: [], workdir: '/app/inner', user: '10:20' },
    ]);
  });

  it('copies from the folder that is built in, and from earlier stages', () => {
    const { steps } = stage('FROM base AS next\nWORKDIR /app\nCOPY a b ./\nCOPY folder folder\nCOPY --from=base /x /y', 'next');
    expect(steps.slice(1)).toMatchObject([
      { kind: 'copy', from: null, sources: ['a', 'b'], target: '/app/' },
      { kind: 'copy', from: null, sources: ['folder'], target: '/app/folder' },
      { kind: 'copy', from: 'base', sources: ['/x'], target: '/y' },
    ]);
  });

  it('hands on what a stage says of its containers; an entry point drops the command', () => {
    const text = `ENV A=1
USER 1:1
CMD ["sh"]
LABEL one="1"
EXPOSE 80
FROM base AS next
ENTRYPOINT ["node", "main.js"]
LABEL two="2"`;
    expect(stage(text, 'next').config).toMatchObject({
      env: { A: '1' },
      user: '1:1',
      entrypoint: ['node', 'main.js'],
      cmd: [],
      labels: { one: '1', two: '2' },
      ports: ['80'],
    });
    expect(stage(text).config).toMatchObject({ entrypoint: [], cmd: ['sh'] });
  });

  it('takes arguments from the build, from its own default, or from before the first stage', () => {
    const text = 'ARG V=1\nARG IMAGE=debian:trixie-slim\nFROM ${IMAGE} AS a\nARG V\nARG W=2\nLABEL v="${V}" w=$W';
    expect(readDockerfile(text).get('a')).toMatchObject({ base: { image: 'debian:trixie-slim' }, config: { labels: { v: '1', w: '2' } } });
    expect(readDockerfile(text, { V: '9' }).get('a')?.config.labels).toEqual({ v: '9', w: '2' });
  });

  it('knows the image that a stage finally stands on', () => {
    const dockerfile = readDockerfile(`${BASE}FROM base AS b\nFROM b AS c\n`);
    expect(baseImage(dockerfile, 'c')).toBe('debian:trixie-slim');
  });
});

describe('what cannot be followed is refused, with its line:', () => {
  it.each([
    ['HEALTHCHECK CMD true', 'line 2: HEALTHCHECK is no instruction'],
    ['ADD a b', 'line 2: ADD is no instruction'],
    ['SHELL ["/bin/bash"]', 'line 2: SHELL is no instruction'],
    ['VOLUME /data', 'line 2: VOLUME is no instruction'],
    ['COPY --chown=1:1 a b', 'line 2: COPY --chown is not followed'],
    ['COPY --from=nobody /a /b', 'line 2: COPY --from=nobody names no earlier stage'],
    ['COPY *.json ./', 'line 2: COPY *.json: patterns'],
    ['COPY ../secret ./', 'line 2: COPY ../secret leaves'],
    ['COPY a b c', 'line 2: COPY of several sources needs a target that ends with /'],
    ['RUN --network=none make', 'line 2: RUN --network=none is not followed'],
    ['RUN --mount=type=secret,id=x make', 'line 2: RUN --mount=type=secret,id=x is not followed'],
    ['RUN ["make"]', 'line 2: RUN is followed in the shell form only'],
    ['RUN <<END\nmake\nEND', 'line 2: here-documents'],
    ['CMD node main.js', 'line 2: CMD is not in the exec form'],
    ['ENTRYPOINT node main.js', 'line 2: ENTRYPOINT is not in the exec form'],
    ['USER node', 'line 2: USER node is not uid:gid in numbers'],
    ['LABEL v=${NOBODY}', 'line 2: there is no variable NOBODY'],
    ['ENV A=${B:-c}', 'is no variable that is followed'],
    ['ENV A', 'line 2: A is not NAME=value'],
    ['FROM --platform=linux/amd64 debian:trixie-slim AS b', 'line 2: FROM --platform is not followed'],
    ['FROM debian:trixie-slim', 'line 2: only FROM image AS name'],
    ['FROM debian:trixie-slim AS base', 'line 2: there are two stages base'],
    ['RUN make \\', 'line 2: the last line ends with a backslash'],
  ])('%s', (text, fault) => {
    expect(() => stage(text)).toThrow(fault);
  });

  it('an instruction before the first stage, and no stage at all', () => {
    expect(() => readDockerfile('RUN make')).toThrow('line 1: RUN stands before the first FROM');
    expect(() => readDockerfile('# nothing\n')).toThrow('there is no FROM');
  });
});
