import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Dockerfile } from '../../src/images/dockerfile.js';
import { IMAGE_PREFIX } from '../../src/images/image-commands.js';
import { heapOptions } from '../../src/service-memory.js';
import { everyVariable, type ServiceSchema, serviceSchemas } from '../../src/service-schemas.js';
import type { ComposeProject, ComposeService } from './compose-file.js';

/** What is wrong with compose.yaml, in sentences: the rules that every service of it keeps. */

export interface Facts {
  readonly dockerfile: Dockerfile;
  /** Of package.json. */
  readonly version: string;
}

type Services = ComposeProject['services'];
type Rule = (name: string, service: ComposeService, project: ComposeProject, facts: Facts) => string[];

export function composeFaults(project: ComposeProject, facts: Facts): string[] {
  return Object.entries(project.services).flatMap(([name, service]) =>
    rules.flatMap((rule) => rule(name, service, project, facts).map((fault) => `${name}: ${fault}`)),
  );
}

/** Runs to its end and is not started again. */
export const runsOnce = (service: ComposeService): boolean => service.restart === 'no';
/** Made from this repository. */
export const isOurs = (service: ComposeService): boolean => service.build !== undefined;

/** The program and its arguments in the containers of one of our services, without Node's own options. */
export function programOf({ build, entrypoint, command = [] }: ComposeService, dockerfile: Dockerfile): string[] {
  const config = dockerfile.get(build?.target ?? '')?.config;
  if (config === undefined) return [];
  const argv =
    entrypoint === undefined ? [...config.entrypoint, ...(command.length > 0 ? command : config.cmd)] : [...entrypoint, ...command];
  return argv[0] === 'node' ? argv.slice(1).filter((word) => !heapOptions.includes(word)) : [];
}

/** The environment that such a container reads: a program of ours has the schema of its service. */
export function schemaOf(program: readonly string[]): ServiceSchema | undefined {
  const command = program[0] === 'profile-svc/dist/seed.js' ? 'node profile-svc/dist/main.js' : `node ${program.join(' ')}`;
  return serviceSchemas.find((schema) => schema.command === command);
}

const rules: readonly Rule[] = [
  function pinned(_name, { image }) {
    const [, tag, digest] = /:([^:/@]+)(@sha256:[0-9a-f]{64})?$/.exec(image) ?? [];
    if (tag === undefined || !/\d+\.\d+/.test(tag)) return [`${image} names no version`];
    return image.startsWith(IMAGE_PREFIX) || digest !== undefined ? [] : [`${image} names no digest`];
  },

  function fromTheDockerfile(_name, { image, build }, _project, { dockerfile, version }) {
    if (build === undefined) return image.startsWith(IMAGE_PREFIX) ? [`${image} is not built`] : [];
    const faults: string[] = [];
    if (!dockerfile.has(build.target)) faults.push(`the Dockerfile has no target ${build.target}`);
    if (image !== `${IMAGE_PREFIX}${build.target}:${version}`) faults.push(`${image} is not ${IMAGE_PREFIX}${build.target}:${version}`);
    if (build.context !== '.') faults.push(`it is built in ${build.context}`);
    return faults;
  },

  function onLoopback(_name, { ports = [], build }, _project, { dockerfile }) {
    const exposed = dockerfile.get(build?.target ?? '')?.config.ports;
    return ports.flatMap((port) => {
      const inner = /^127\.0\.0\.1:\d+:(\d+)$/.exec(port)?.[1];
      if (inner === undefined) return [`${port} is not published on 127.0.0.1 alone`];
      return exposed === undefined || exposed.includes(inner) ? [] : [`the image does not expose ${inner}`];
    });
  },

  function healthIsKnown(name, service, { services }) {
    if (runsOnce(service)) {
      const awaited = service.profiles !== undefined || dependents(services, name).includes('service_completed_successfully');
      return awaited ? [] : ['nobody waits for its end'];
    }
    const [kind, ...command] = service.healthcheck?.test ?? [];
    return (kind === 'CMD' || kind === 'CMD-SHELL') && command.length > 0 ? [] : ['it has no health check'];
  },

  function waitsForWhatCanCome(_name, { depends_on = {} }, { services }) {
    return Object.entries(depends_on).flatMap(([other, { condition }]) => {
      const service = services[other];
      if (service === undefined) return [`it waits for ${other}, which is no service`];
      const wanted = runsOnce(service) ? 'service_completed_successfully' : 'service_healthy';
      return condition === wanted ? [] : [`it waits for ${other} by ${condition ?? 'nothing'}, not by ${wanted}`];
    });
  },

  function knowsItsEnvironment(_name, service, { services }, { dockerfile }) {
    if (!isOurs(service)) return [];
    const program = programOf(service, dockerfile);
    const schema = schemaOf(program);
    if (schema === undefined) return [`no service runs as ${program.join(' ')}`];
    const own = service.environment ?? {};
    const env = { ...dockerfile.get(service.build?.target ?? '')?.config.env, ...own };
    const fields = Object.values(schema.schema);
    const faults = Object.keys(own)
      .filter((variable) => !fields.some((field) => field.env === variable))
      .map((variable) => `${schema.service} knows no ${variable}`);
    for (const { env: variable, fallback, secret } of fields) {
      // What is on loopback elsewhere is in another container here; of the secrets only the database has one.
      const needed = String(fallback).includes('127.0.0.1') || (secret && variable === 'DB_PASSWORD');
      const address = variable === 'REDIS_HOST' || variable === 'DB_HOST' ? own[variable] : /^([^:/]+):\d+$/.exec(own[variable] ?? '')?.[1];
      if (needed && env[variable] === undefined) faults.push(`${variable} is not set`);
      if (address !== undefined && services[address] === undefined) faults.push(`${variable} names ${address}, which is no service`);
    }
    return [...faults, ...schema.faults(env, everyVariable())];
  },

  function confined(_name, service) {
    if (!isOurs(service)) return [];
    const faults: string[] = [];
    if (service.read_only !== true) faults.push('its root is not read-only');
    if (service.cap_drop?.includes('ALL') !== true) faults.push('it keeps capabilities');
    if (service.security_opt?.includes('no-new-privileges:true') !== true) faults.push('it may gain privileges');
    return faults;
  },

  function mountsWhatIsThere(name, { volumes = [] }, project) {
    return volumes
      .filter((volume) => volume.startsWith('.'))
      .flatMap((volume) => {
        const [source = '', , mode] = volume.split(':');
        const faults = existsSync(resolve(project.folderOf(name), source)) ? [] : [`there is no ${source} to mount`];
        return mode === 'ro' ? faults : [...faults, `${source} is not mounted read-only`];
      });
  },

  function keepsNoSecret(_name, { environment = {} }, { interpolated }) {
    return Object.entries(environment)
      .filter(([variable]) => /PASSWORD|SECRET|TOKEN/.test(variable))
      .filter(([, value]) => !interpolated.some((written) => written.includes('_PASSWORD:-') && written.includes(value)))
      .map(([variable]) => `${variable} cannot be set from outside`);
  },
];

function dependents(services: Services, name: string): string[] {
  return Object.values(services).flatMap(({ depends_on = {} }) => depends_on[name]?.condition ?? []);
}
