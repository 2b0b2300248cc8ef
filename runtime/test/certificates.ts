import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Certificates for tests over TLS: an authority that lives as long as the test, and what it signs. Made with the `openssl` command. */

/** PEM files. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
  /** Key and certificate in one file, as Kafka reads them. */
  readonly both: string;
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
/** Nothing of the system's own configuration. */
const configuration = `[req]
distinguished_name = name
prompt = no
[name]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
`;

export class TestAuthority {
  /** The PEM file of its own certificate. */
  readonly certificate: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'helios-certificates-'));
  #issued = 0;

  constructor(name = 'Helios test authority') {
    this.certificate = this.#path('ca.pem');
    writeFileSync(this.#path('openssl.cnf'), configuration);
    const files = ['-keyout', this.#path('ca.key'), '-out', this.certificate];
    this.#openssl('req', '-x509', ...newKey, '-subj', `/CN=${name}`, '-days', '2', '-extensions', 'authority', ...files);
  }

  /** A server's certificate. @param names as in `subjectAltName`: `DNS:localhost`, `IP:127.0.0.1`, several separated by commas. */
  issue(names: string): Certificate {
    const base = this.#path(`server-${++this.#issued}`);
    const issued = { certificate: `${base}.pem`, key: `${base}.key`, both: `${base}.both.pem` };
    writeFileSync(`${base}.ext`, `subjectAltName = ${names}\nauthorityKeyIdentifier = keyid\nextendedKeyUsage = serverAuth\n`);
    this.#openssl('req', '-new', ...newKey, '-subj', '/CN=Helios test server', '-keyout', issued.key, '-out', `${base}.csr`);
    const signedBy = ['-CA', this.certificate, '-CAkey', this.#path('ca.key'), '-CAcreateserial', '-days', '2'];
    this.#openssl('x509', '-req', '-in', `${base}.csr`, ...signedBy, '-extfile', `${base}.ext`, '-out', issued.certificate);
    writeFileSync(issued.both, readFileSync(issued.key, 'utf8') + readFileSync(issued.certificate, 'utf8'));
    return issued;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  #openssl(command: 'req' | 'x509', ...args: readonly string[]): void {
    const configured = command === 'req' ? ['-config', this.#path('openssl.cnf')] : [];
    const result = spawnSync('openssl', [command, ...configured, ...args], { encoding: 'utf8' });
    if (result.error !== undefined) throw new Error(`openssl does not run (${result.error.message}): run scripts/install-system --stack`);
    if (result.status !== 0) throw new Error(`openssl ${command} failed:\n${result.stderr}`);
  }
}
