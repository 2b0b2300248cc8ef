import { type Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js';
import { type BatchGetUserProfilesResponse, UserProfileServiceService } from '@helios/proto/gen/user_profile';
import { tracedUsersKey } from '@helios/proto/traceparent';

/** How the server answers: like profile-svc, with UNAVAILABLE, not at all, with a profile too few, or in the wrong order. */
export type Mood = 'good' | 'unavailable' | 'silent' | 'short' | 'swapped';

export interface ProfileServer {
  readonly address: string;
  mood: Mood;
  /** The ids of each call that reached the server. */
  readonly calls: string[][];
  /** What the metadata of each call says of traced users. */
  readonly traced: unknown[][];
  stop(): void;
}

/** A profile service in the test's own process; users whose id begins with "known" have a profile. `port` 0 takes a free one. */
export async function startProfileServer(port = 0): Promise<ProfileServer> {
  const server = new Server();
  const state: { mood: Mood; calls: string[][]; traced: unknown[][] } = { mood: 'good', calls: [], traced: [] };
  server.addService(UserProfileServiceService, {
    getUserProfile: (_call: unknown, callback: (error: object) => void) => callback({ code: status.UNIMPLEMENTED }),
    batchGetUserProfiles: (
      call: { request: { user_ids: string[] }; metadata: Metadata },
      callback: (error: object | null, response?: BatchGetUserProfilesResponse) => void,
    ) => {
      const ids = call.request.user_ids;
      state.calls.push(ids);
      state.traced.push(call.metadata.get(tracedUsersKey));
      if (state.mood === 'silent') return;
      if (state.mood === 'unavailable') return callback({ code: status.UNAVAILABLE, details: 'the store is away' });
      const profiles = ids.map((id) => {
        const known = id.startsWith('known');
        const interests = known ? [{ category: `of ${id}`, score: 0.8 }] : [];
        return { user_id: known ? id : '', locale: known ? 'en-US' : '', interests, demographics: {} };
      });
      if (state.mood === 'swapped') profiles.reverse();
      callback(null, { profiles: state.mood === 'short' ? profiles.slice(1) : profiles });
    },
  });
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, boundPort) =>
      error === null ? resolve(boundPort) : reject(error),
    );
  });
  return Object.assign(state, { address: `127.0.0.1:${bound}`, stop: () => server.forceShutdown() });
}
