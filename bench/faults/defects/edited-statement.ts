import type { Database, Statement } from '@helios/analytics/db';

const INSERT = 'insert-outcomes';
/** The clause by which the writer stores a bid once and hands on only what it stored. */
const CLAUSE = 'on conflict (bid_id) do nothing';

/**
 * `database` with another clause in the statement that stores outcomes; all other statements pass unchanged.
 * @throws Error on the first insert when the statement has no such clause any more: then the defect would not be planted.
 */
export function withConflictClause<Connected extends Database>(database: Connected, clause: string): Connected {
  const edited = new Map<Statement, Statement>();
  return {
    ...database,
    query: (statement, values) => {
      if (statement.name !== INSERT) return database.query(statement, values);
      let instead = edited.get(statement);
      if (instead === undefined) {
        if (!statement.text.includes(CLAUSE)) throw new Error(`the statement ${INSERT} does not say "${CLAUSE}"`);
        edited.set(statement, (instead = { ...statement, text: statement.text.replace(CLAUSE, clause) }));
      }
      return database.query(instead, values);
    },
  };
}
