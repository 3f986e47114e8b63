# Written by Bakery from package.json and bun.lock. Yours to keep: put it into the repository as Dockerfile.
FROM oven/bun:1 AS base
WORKDIR /app

FROM base AS build
# Before the sources: installed anew only when these files change.
COPY package.json bun.lock ./
RUN --mount=type=cache,target=/root/.bun/install/cache \
    bun install --frozen-lockfile
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; bun run build

FROM build AS test
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; bun run test

FROM build AS pruned
# What only the build needed stays behind.
RUN rm -rf node_modules
RUN --mount=type=cache,target=/root/.bun/install/cache \
    bun install --frozen-lockfile --production --ignore-scripts

FROM base
COPY --from=pruned --chown=bun:bun /app ./
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
USER bun
EXPOSE 3000
CMD ["bun", "run", "start"]
