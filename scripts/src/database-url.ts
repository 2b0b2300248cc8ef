import { UsageError } from './cli.js';

/**
 * The `DB_` variables that an address such as `postgres://user:password@host:5432/name` stands for; what it leaves out stays as it is.
 * @throws UsageError for anything else; the message does not repeat the address, which may hold a password.
 */
export function databaseVariables(flag: string, address: string): Record<string, string> {
  const url = URL.canParse(address) ? new URL(address) : null;
  const protocols = ['postgres:', 'postgresql:'];
  if (url === null || !protocols.includes(url.protocol) || url.hostname === '' || url.search !== '' || url.hash !== '')
    throw new UsageError(`${flag} is no address of PostgreSQL: it accepts postgres://user:password@host:port/name.`);
  const parts = {
    DB_HOST: url.hostname,
    DB_PORT: url.port,
    DB_NAME: decoded(flag, url.pathname.slice(1)),
    DB_USER: decoded(flag, url.username),
    DB_PASSWORD: decoded(flag, url.password),
  };
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== ''));
}

function decoded(flag: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UsageError(`${flag} is not valid percent-encoded text.`);
  }
}
