import { runProgram } from '@helios/scripts/cli';
import { runAutocannonCommand } from './command.js';

/** `npm run bench -- autocannon` as a program of its own, for who measures beside it and wants it to start fast. */
await runProgram('autocannon', runAutocannonCommand);
