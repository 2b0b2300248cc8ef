import { type Labels, type ManifestDocument, ofKind, specOf } from './documents.js';

/**
 * Where the gateway sends what comes from outside, by the Ingress resources, and whether it does so safely. Pure. Source: Kubernetes' Ingress, and
 * what Traefik 3 makes of it.
 */

const MIDDLEWARES = 'traefik.ingress.kubernetes.io/router.middlewares';
const ENTRY_POINTS = 'traefik.ingress.kubernetes.io/router.entrypoints';
const PRIORITY = 'traefik.ingress.kubernetes.io/router.priority';

interface IngressSpec {
  readonly ingressClassName?: string;
  readonly tls?: readonly { readonly secretName?: string; readonly hosts?: readonly string[] }[];
  readonly rules?: readonly {
    readonly host?: string;
    readonly http: {
      readonly paths: readonly {
        readonly path: string;
        readonly pathType: 'Exact' | 'Prefix';
        readonly backend: {
          readonly service: { readonly name: string; readonly port: { readonly name?: string; readonly number?: number } };
        };
      }[];
    };
  }[];
}

/** One path of one Ingress. */
export interface IngressRule {
  readonly ingress: string;
  readonly host: string | undefined;
  readonly path: string;
  readonly pathType: 'Exact' | 'Prefix';
  readonly service: string;
  readonly port: string | number | undefined;
  /** In the order in which a request meets them: `people-auth@file`. */
  readonly middlewares: readonly string[];
  readonly entryPoints: readonly string[];
  /** Of rules that fit, Traefik takes the one with the highest; 0 stands for the length of the rule. */
  readonly priority: number;
  readonly tlsSecrets: readonly string[];
  readonly className: string | undefined;
}

/** Every path of every Ingress. */
export function ingressRules(documents: readonly ManifestDocument[]): IngressRule[] {
  return ofKind(documents, 'Ingress').flatMap((document) => {
    const spec = specOf(document) as IngressSpec;
    const listed = (annotation: string): string[] =>
      (document.metadata.annotations?.[annotation] ?? '').split(',').filter((name) => name !== '');
    return (spec.rules ?? []).flatMap(({ host, http }) =>
      http.paths.map(({ path, pathType, backend }) => ({
        ingress: document.metadata.name,
        host,
        path,
        pathType,
        service: backend.service.name,
        port: backend.service.port.name ?? backend.service.port.number,
        middlewares: listed(MIDDLEWARES),
        entryPoints: listed(ENTRY_POINTS),
        priority: Number(document.metadata.annotations?.[PRIORITY] ?? 0),
        tlsSecrets: (spec.tls ?? []).flatMap((tls) => tls.secretName ?? []),
        className: spec.ingressClassName,
      })),
    );
  });
}

/**
 * Where Traefik sends a request: of the rules that fit, to the one of the highest priority. Kubernetes would have an exact path come first.
 * @returns null when no rule fits.
 */
export function routeOf(
  documents: readonly ManifestDocument[],
  request: { readonly host: string; readonly path: string },
): IngressRule | null {
  const fitting = ingressRules(documents).filter(
    (rule) => (rule.host === undefined || rule.host === request.host) && fits(rule, request.path),
  );
  const weight = (rule: IngressRule): number => (rule.priority === 0 ? traefikRule(rule).length : rule.priority);
  return fitting.toSorted((a, b) => weight(b) - weight(a))[0] ?? null;
}

/** The rule that Traefik's Ingress provider makes of host and path, with strictPrefixMatching. */
function traefikRule({ host, path, pathType }: IngressRule): string {
  const prefix = path.replace(/\/$/, '');
  const below = prefix === '' ? 'PathPrefix("/")' : `(Path("${prefix}") || PathPrefix("${prefix}/"))`;
  const ofPath = pathType === 'Exact' ? `Path("${path}")` : below;
  return host === undefined ? ofPath : `Host("${host}") && ${ofPath}`;
}

function fits({ path, pathType }: IngressRule, asked: string): boolean {
  if (pathType === 'Exact') return asked === path;
  const prefix = path.endsWith('/') ? path.slice(0, -1) : path;
  return asked === prefix || asked.startsWith(`${prefix}/`);
}

/** The middlewares of the gateway's file, as far as they are looked at. */
export interface GatewayFile {
  readonly http: { readonly middlewares: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
}

/** Routes that come in without TLS, without a limit or without authentication, or that lead where nothing from outside may go. */
export function routeFaults(documents: readonly ManifestDocument[], file: GatewayFile): string[] {
  const classes = ofKind(documents, 'IngressClass').map((document) => document.metadata.name);
  const kindsOf = (rule: IngressRule): string[] =>
    rule.middlewares.flatMap((name) => Object.keys(file.http.middlewares[name.replace(/@file$/, '')] ?? {}));
  return ingressRules(documents).flatMap((rule) => {
    const faults: string[] = [];
    const unknown = rule.middlewares.filter((name) => !name.endsWith('@file') || !(name.slice(0, -5) in file.http.middlewares));
    if (unknown.length > 0) faults.push(`its middlewares ${unknown.join(', ')} stand nowhere`);
    if (rule.className === undefined || !classes.includes(rule.className)) faults.push('its class is none of ours');
    if (rule.tlsSecrets.length === 0) faults.push('it has no certificate');
    if (rule.entryPoints.join() !== 'websecure') faults.push('it is served by other entry points than websecure');
    if (!kindsOf(rule).includes('rateLimit')) faults.push('it has no rate limit');
    const forMachines = rule.service === 'bid-request-handler-service';
    if (!forMachines && !kindsOf(rule).includes('basicAuth')) faults.push('it asks for no password');
    if (kindsOf(rule).includes('basicAuth') && kindsOf(rule).indexOf('rateLimit') > kindsOf(rule).indexOf('basicAuth'))
      faults.push('passwords can be guessed without a limit: the rate limit comes after them');
    if (rule.port === 'admin' || rule.port === 9100) faults.push('it leads to an admin port');
    return faults.map((fault) => `Ingress/${rule.ingress}, ${rule.path}: ${fault}`);
  });
}

/** Flags of the gateway by their name in small letters, as Traefik reads them. */
export function gatewayFlags(args: readonly string[]): Labels {
  const pairs = args.map((argument) => {
    const [name = '', value = 'true'] = argument.replace(/^--/, '').split(/=(.*)/s, 2);
    return [name.toLowerCase(), value];
  });
  return Object.fromEntries(pairs) as Labels;
}

/** What of the gateway's own flags would lose requests or show the inside. @param ingestIdleSeconds after which ingest closes a connection. */
export function gatewayFaults(flags: Labels, ingestIdleSeconds: number): string[] {
  const faults: string[] = [];
  const idleSeconds = Number(/^(\d+)s$/.exec(flags['serverstransport.forwardingtimeouts.idleconntimeout'] ?? '')?.[1] ?? Number.NaN);
  if (!(idleSeconds < ingestIdleSeconds - 1))
    faults.push(`it keeps connections to ingest for ${idleSeconds} s, and ingest closes them after ${ingestIdleSeconds} s`);
  if (flags['providers.kubernetesingress.allowemptyservices'] !== 'true')
    faults.push('while no pod of a Service is ready, its route goes and its requests fall to another one');
  if (flags['providers.kubernetesingress.strictprefixmatching'] !== 'true') faults.push('/grafanax and the like are taken for /grafana');
  if (flags['providers.kubernetesingress.namespaces'] !== 'helios') faults.push('it serves Ingress resources of other namespaces');
  for (const name of ['ping.entrypoint', 'metrics.prometheus.entrypoint'])
    if (flags[name] !== 'admin') faults.push(`${name} is not the admin port`);
  if (Object.keys(flags).some((name) => name === 'api' || name.startsWith('api.'))) faults.push('its own dashboard or API is on');
  if (flags['entrypoints.web.http.redirections.entrypoint.scheme'] !== 'https') faults.push('plain HTTP is not sent on to HTTPS');
  return faults;
}
