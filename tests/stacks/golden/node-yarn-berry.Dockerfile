# Written by Bakery from package.json and yarn.lock. Yours to keep: put it into the repository as Dockerfile.
FROM node:24-slim AS base
WORKDIR /app
ENV COREPACK_HOME=/usr/local/share/corepack YARN_ENABLE_GLOBAL_CACHE=false
RUN corepack enable
RUN corepack prepare yarn@4 --activate

FROM base AS build
# Installing may need the sources, so they come first.
COPY . .
RUN --mount=type=cache,target=/root/.yarn/berry/cache \
    yarn install --immutable
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; yarn run build

FROM build AS test
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; yarn run test

FROM build AS pruned
# What only the build needed stays behind.
RUN --mount=type=cache,target=/root/.yarn/berry/cache \
    yarn workspaces focus --production

FROM base
COPY --from=pruned --chown=node:node /app ./
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
USER node
EXPOSE 3000
CMD ["yarn", "run", "start"]
