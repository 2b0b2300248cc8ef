import type { DatabaseState } from '../database-state.js';
import type { Database } from '../db.js';
import { RequestProblem, unavailable } from './problem.js';

/** While PostgreSQL is away, one statement in this span tries whether it is back. */
export const TRY_EVERY_MS = 1000;

/**
 * The database as the API's requests use it: once it is known to be away they are answered 503 at once, instead of each waiting out its own
 * time for a connection or an answer. States: asking -> refusing, with one statement every `TRY_EVERY_MS` let through -> asking, as soon as
 * one of these, or whoever else reports to `state`, was answered.
 */
export function failFast(database: Database, state: DatabaseState, nowMonoMs: () => number = () => performance.now()): Database {
  let triedMonoMs = Number.NEGATIVE_INFINITY;
  return {
    ...database,
    query(statement, values) {
      if (state.down) {
        if (nowMonoMs() - triedMonoMs < TRY_EVERY_MS)
          return Promise.reject(new RequestProblem(unavailable('The database does not answer.')));
        triedMonoMs = nowMonoMs();
      }
      return database.query(statement, values);
    },
  };
}
