/** The entry of `npm start`: the whole pipeline on embedded parts. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from './cli.js';
import { embeddedFoundation } from './embedded.js';
import { runStart } from './launcher.js';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

await runProgram('start', (args) => runStart('start', args, process.env, root, (options) => Promise.resolve(embeddedFoundation(options))));
