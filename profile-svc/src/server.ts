import { createServer, type Server as SocketServer } from 'node:net';
import { type Metadata, type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall, status } from '@grpc/grpc-js';
import {
  type BatchGetUserProfilesRequest,
  type BatchGetUserProfilesResponse,
  type GetUserProfileRequest,
  type GetUserProfileResponse,
  UserProfileServiceService,
} from '@helios/proto/gen/user_profile';
import { acceptedTraceparent, decodeTracedUsers, type TracedUser, tracedUsersKey } from '@helios/proto/traceparent';
import { listen } from '@helios/runtime/admin-server';
import { HealthImplementation } from 'grpc-health-check';
import type { Lookup, LookupAnswer, Method } from './lookup.js';
import { emptyProfile } from './profile-store.js';

/**
 * The gRPC server of profile-svc: reads user ids, answers profiles, and the health service beside it.
 * An outside fault is a status (INVALID_ARGUMENT, UNAVAILABLE) and never an empty profile; it says SERVING whenever it can answer fast,
 * UNAVAILABLE included, and never waits for its store at start.
 */

/** 1,000 ids of 256 bytes and their tags take 259,000 bytes; more than this is refused before it is read. It bounds what half a message holds. */
const receiveMaxBytes = 320 * 1024;
/** Room for a whole batch in flight: the default of 64 KiB costs a round trip for each window. */
const flowControlWindowBytes = 1024 * 1024;
const connectionAgeGraceMs = 10_000;
/** With the timeout below it is also how long a connection lasts that says nothing, or was told by a GOAWAY that it makes no sense. */
const keepaliveTimeMs = 10_000;
const keepaliveTimeoutMs = 5000;
/** How long calls in flight and idle connections get at a stop, before they are cut. */
const stopGraceMs = 3000;

const serviceName = 'helios.userprofile.UserProfileService';

export interface ProfileServerOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Connections over this are closed at once. */
  readonly maxConnections: number;
  readonly maxConcurrentStreams: number;
  readonly maxConnectionAgeMs: number;
  readonly lookup: Lookup;
  /** Called with what is not an outside fault: a broken invariant of ours. */
  readonly fail: (error: Error) => void;
}

export interface ProfileServer {
  readonly port: number;
  /** Connections that are open. */
  connections(): number;
  /** Says NOT_SERVING, takes no new call, lets those in flight end (bounded), releases the port. */
  stop(): Promise<void>;
}

/**
 * Starts the server.
 * @throws HeliosError PORT_TAKEN when the port is in use.
 */
export async function startProfileServer(options: ProfileServerOptions): Promise<ProfileServer> {
  const server = new Server({
    'grpc.max_receive_message_length': receiveMaxBytes,
    'grpc.max_concurrent_streams': options.maxConcurrentStreams,
    'grpc.max_connection_age_ms': options.maxConnectionAgeMs,
    'grpc.max_connection_age_grace_ms': connectionAgeGraceMs,
    'grpc.keepalive_time_ms': keepaliveTimeMs,
    'grpc.keepalive_timeout_ms': keepaliveTimeoutMs,
    'grpc-node.flow_control_window': flowControlWindowBytes,
    'grpc.enable_channelz': 0,
  });
  addCalls(server, options);
  const health = new HealthImplementation({ '': 'SERVING', [serviceName]: 'SERVING' });
  health.addToServer(server);
  // grpc-js listens without a bound on connections: so we listen, and hand it those that are within the bound.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  let open = 0;
  const sockets = createServer({ noDelay: true }, (socket) => {
    open++;
    socket.once('close', () => open--);
    injector.injectConnection(socket);
  });
  sockets.maxConnections = options.maxConnections;
  const port = await listen(sockets, options.host, options.port, 'PROFILE_PORT');
  return { port, connections: () => open, stop: () => stop(server, sockets, health) };
}

function addCalls(server: Server, { lookup, fail }: ProfileServerOptions): void {
  const answer = async (method: Method, ids: readonly string[], traced: readonly TracedUser[]): Promise<LookupAnswer | null> => {
    try {
      return await lookup.answer(method, ids, traced);
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)));
      return null;
    }
  };
  server.addService(UserProfileServiceService, {
    async getUserProfile(
      call: ServerUnaryCall<GetUserProfileRequest, GetUserProfileResponse>,
      callback: sendUnaryData<GetUserProfileResponse>,
    ) {
      const found = await answer('GetUserProfile', [call.request.user_id], tracedCall(call.metadata));
      if (found?.result === 'ok') callback(null, { profile: found.profiles[0] ?? emptyProfile });
      else callback(statusOf(found));
    },
    async batchGetUserProfiles(
      call: ServerUnaryCall<BatchGetUserProfilesRequest, BatchGetUserProfilesResponse>,
      callback: sendUnaryData<BatchGetUserProfilesResponse>,
    ) {
      const found = await answer('BatchGetUserProfiles', call.request.user_ids, tracedUsers(call.metadata));
      if (found?.result === 'ok') callback(null, { profiles: found.profiles });
      else callback(statusOf(found));
    },
  });
}

/** The traced users that a batch's metadata names. */
function tracedUsers(metadata: Metadata): TracedUser[] {
  const [value] = metadata.get(tracedUsersKey);
  return value === undefined ? [] : decodeTracedUsers(String(value));
}

/** A call about one user carries the standard header. */
function tracedCall(metadata: Metadata): TracedUser[] {
  const [value] = metadata.get('traceparent');
  const traceparent = value === undefined ? '' : acceptedTraceparent(String(value));
  return traceparent === '' ? [] : [{ position: 0, traceparent }];
}

/** The status of a call that gets no profiles; null stands for a fault of ours. */
function statusOf(answer: Exclude<LookupAnswer, { result: 'ok' }> | null): { code: status; details: string } {
  if (answer === null) return { code: status.INTERNAL, details: 'profile-svc failed.' };
  return { code: answer.result === 'invalid' ? status.INVALID_ARGUMENT : status.UNAVAILABLE, details: answer.detail };
}

/**
 * Ends when every connection has: idle ones at once, others with their last call. grpc-js' own word for it does not count: from Node 24 on its
 * `tryShutdown` is done before the calls are, because there a closing HTTP/2 server marks its sessions as closed.
 */
function stop(server: Server, sockets: SocketServer, health: HealthImplementation): Promise<void> {
  health.setStatus('', 'NOT_SERVING');
  health.setStatus(serviceName, 'NOT_SERVING');
  return new Promise((resolve) => {
    // A client that watches the health never lets go.
    const limit = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, stopGraceMs);
    sockets.close(() => {
      clearTimeout(limit);
      resolve();
    });
    server.tryShutdown(() => undefined);
  });
}
