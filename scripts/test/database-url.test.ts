import { expect, it } from 'vitest';
import { databaseVariables } from '../src/database-url.js';

it('reads the parts of an address, percent-decoded, and leaves out what it does not name', () => {
  expect(databaseVariables('--database', 'postgres://ann:p%40ss@db.example:6432/ads')).toEqual({
    DB_HOST: 'db.example',
    DB_PORT: '6432',
    DB_NAME: 'ads',
    DB_USER: 'ann',
    DB_PASSWORD: 'p@ss',
  });
  expect(databaseVariables('--database', 'postgresql://db.example')).toEqual({ DB_HOST: 'db.example' });
});

it.each(['', 'db.example', 'http://db/x', 'postgres:///x', 'postgres://secret@db/x?sslmode=require', 'postgres://u:%zz@db/x'])(
  'refuses %j without repeating it',
  (address) => {
    expect(() => databaseVariables('--database', address)).toThrow(/^--database is (?!.*secret)/);
  },
);
