import { describe, expect, it } from 'vitest';
import { invalidProblem, malformedGzip, outcomes, problems, tooLargeProblem } from '../../src/ingest/problem.js';

describe('problem answers', () => {
  it.each([...Object.entries(problems), ['tooLarge', tooLargeProblem(1024)] as const, ['malformedGzip', malformedGzip] as const])(
    '%s carries the members of RFC 9457 and agrees with its status line',
    (_name, problem) => {
      const body = JSON.parse(problem.body) as Record<string, unknown>;
      expect(Object.keys(body).sort()).toEqual(
        ['type', 'title', 'status', 'detail', 'code', ...(problem.field === null ? [] : ['field'])].sort(),
      );
      expect(problem.status.startsWith(`${String(body['status'])} `)).toBe(true);
      expect(body['type']).toBe(`urn:helios:problem:${problem.code}`);
      expect(body['code']).toBe(problem.code);
      expect(outcomes).toContain(problem.outcome);
      expect(problem.header?.[0] ?? null).toBe(body['status'] === 503 ? 'Retry-After' : (problem.header?.[0] ?? null));
      expect(problem.closes).toBe(['too_large', 'unsupported_encoding', 'bad_transfer_encoding', 'stopping'].includes(problem.code));
    },
  );

  it('every 503 says when to come again', () => {
    const unavailable = Object.values(problems).filter((problem) => problem.status.startsWith('503'));
    expect(unavailable).toHaveLength(8);
    for (const problem of unavailable) expect(problem.header).toEqual(['Retry-After', '1']);
  });

  it('an invalid body is a 400 that names the field', () => {
    const problem = invalidProblem({ field: '/imp/0/bidfloor', code: 'out_of_range', detail: '/imp/0/bidfloor is "negative".' });
    expect(problem.status).toBe('400 Bad Request');
    expect(JSON.parse(problem.body)).toEqual({
      type: 'urn:helios:problem:out_of_range',
      title: 'Invalid bid request',
      status: 400,
      detail: '/imp/0/bidfloor is "negative".',
      field: '/imp/0/bidfloor',
      code: 'out_of_range',
    });
  });

  it('a body over the limit is told the limit', () => {
    expect(tooLargeProblem(262_144).detail).toContain('262144 bytes');
  });
});
