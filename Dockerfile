# The images of Helios, a target a service: engine, profile-svc, analytics, dashboard; and `test`, which runs npm test.
#
#   docker build --target engine -t ghcr.io/your-username/helios-engine:0.1.0 .
#
# docs/images.md says what is in them and how each is proven. scripts/prove-images follows these very steps without a Docker engine, and
# refuses an instruction or an option that it does not know.

ARG VERSION=0.1.0
ARG REVISION=unknown

FROM node:24.21.0-trixie-slim@sha256:8ec5d7557396cfe32d21c3f9c13072355ceab22b584578ca4bb28af31120cffe AS node

# What compiles the native packages.
FROM node AS toolchain
WORKDIR /helios
COPY scripts/install-system scripts/build-native scripts/prune-native scripts/native-state.mjs scripts/
RUN scripts/install-system

# npm needs all of them to read the lockfile, whichever workspaces it installs.
FROM toolchain AS manifests
COPY package.json package-lock.json .npmrc ./
COPY proto/package.json proto/
COPY runtime/package.json runtime/
COPY engine/package.json engine/
COPY profile-svc/package.json profile-svc/
COPY analytics/package.json analytics/
COPY dashboard/package.json dashboard/
COPY scripts/package.json scripts/
COPY bench/package.json bench/

# node-rdkafka, compiled once for the images that need it.
FROM manifests AS native
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --workspace @helios/runtime
RUN scripts/build-native
RUN scripts/prune-native

# TypeScript to JavaScript, and the dashboard's page; /app holds what images take of it.
FROM manifests AS build
RUN --mount=type=cache,target=/root/.npm npm ci
COPY tsconfig.base.json ./
COPY proto proto
COPY runtime runtime
COPY engine engine
COPY profile-svc profile-svc
COPY analytics analytics
COPY dashboard dashboard
RUN node_modules/.bin/tsc -b engine profile-svc analytics dashboard
RUN npm run build --workspace dashboard
RUN mkdir /app \
  && for each in proto runtime engine profile-svc analytics dashboard; do cp -r --parents $each/package.json $each/dist /app; done \
  && cp -r --parents analytics/migrations /app \
  && find /app \( -name '*.d.ts' -o -name '*.map' -o -name '.tsbuildinfo' \) -delete

# The packages that each service needs when it runs, and no others.
FROM manifests AS engine-modules
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --workspace @helios/engine
COPY --from=native /helios/node_modules/node-rdkafka node_modules/node-rdkafka
RUN scripts/prune-native

FROM manifests AS analytics-modules
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --workspace @helios/analytics
COPY --from=native /helios/node_modules/node-rdkafka node_modules/node-rdkafka
RUN scripts/prune-native

# These two never speak to Kafka: without its client.
FROM manifests AS profile-svc-modules
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --workspace @helios/profile-svc
RUN rm -r node_modules/node-rdkafka

FROM manifests AS dashboard-modules
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --workspace @helios/dashboard
RUN rm -r node_modules/node-rdkafka

# npm test under this Node: docker build --target test -t helios-test . && docker run --rm helios-test
FROM toolchain AS test
RUN scripts/install-system --stack --observe
COPY . .
RUN --mount=type=cache,target=/root/.npm npm ci
RUN scripts/build-native
CMD ["npm", "test"]

# What all images stand on: Debian, the libraries that Node and librdkafka load, Node without npm.
FROM debian:trixie-20261005-slim@sha256:a29215f6a35e51e22adffa17f89e9d2ef06214e64a2bad10d765c46aea49f11f AS base
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates libssl3t64 libstdc++6 zlib1g \
  && rm -rf /var/lib/apt/lists/*
COPY --from=node /usr/local/bin/node /usr/local/bin/node
# MALLOC_* here, and the options of node below: scripts/src/service-memory.ts says why.
ENV NODE_ENV=production \
  BIND_HOST=0.0.0.0 \
  ADMIN_PORT=9100 \
  MALLOC_ARENA_MAX=2 \
  MALLOC_TRIM_THRESHOLD_=131072
LABEL org.opencontainers.image.source="https://github.com/your-username/helios-rtb-engine" \
  org.opencontainers.image.documentation="https://github.com/your-username/helios-rtb-engine/blob/main/docs/images.md" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.vendor="Helios"
WORKDIR /helios
USER 65532:65532

# Ingest, bidder, auction and topics: the role is the argument.
FROM base AS engine
COPY --from=engine-modules /helios/node_modules node_modules
COPY --from=build /app/proto proto
COPY --from=build /app/runtime runtime
COPY --from=build /app/engine engine
# Fails the build when a native module does not load here, or librdkafka was built without TLS or SCRAM.
RUN node -e "require('uWebSockets.js'); for (const name of ['ssl', 'sasl_scram']) require('assert')(require('node-rdkafka').features.includes(name), name)"
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="helios-engine" \
  org.opencontainers.image.description="Helios: ingest, bidder and auction of a real-time-bidding pipeline" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
EXPOSE 8080 9100
ENTRYPOINT ["node", "--min-semi-space-size=16", "--max-semi-space-size=16", "engine/dist/main.js"]
CMD ["ingest"]

# Profiles over gRPC; the seed program is profile-svc/dist/seed.js.
FROM base AS profile-svc
COPY --from=profile-svc-modules /helios/node_modules node_modules
COPY --from=build /app/proto proto
COPY --from=build /app/runtime runtime
COPY --from=build /app/profile-svc profile-svc
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="helios-profile-svc" \
  org.opencontainers.image.description="Helios: user profiles over gRPC, from Redis" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
EXPOSE 50051 9100
ENTRYPOINT ["node", "--min-semi-space-size=16", "--max-semi-space-size=16", "profile-svc/dist/main.js"]

# Writer, api and migrate: the role is the argument.
FROM base AS analytics
COPY --from=analytics-modules /helios/node_modules node_modules
COPY --from=build /app/proto proto
COPY --from=build /app/runtime runtime
COPY --from=build /app/analytics analytics
RUN node -e "for (const name of ['ssl', 'sasl_scram']) require('assert')(require('node-rdkafka').features.includes(name), name)"
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="helios-analytics" \
  org.opencontainers.image.description="Helios: auction outcomes into PostgreSQL, and their REST API" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
EXPOSE 8000 9100
ENTRYPOINT ["node", "--min-semi-space-size=16", "--max-semi-space-size=16", "analytics/dist/main.js"]
CMD ["writer"]

FROM base AS dashboard
COPY --from=dashboard-modules /helios/node_modules node_modules
COPY --from=build /app/proto proto
COPY --from=build /app/runtime runtime
COPY --from=build /app/dashboard dashboard
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="helios-dashboard" \
  org.opencontainers.image.description="Helios: the dashboard's page and its server" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
EXPOSE 3000 9100
ENTRYPOINT ["node", "--min-semi-space-size=16", "--max-semi-space-size=16", "dashboard/dist/server/main.js"]
