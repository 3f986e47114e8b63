# Written by Bakery from package.json and pnpm-lock.yaml. Yours to keep: put it into the repository as Dockerfile.
FROM node:24-slim AS base
WORKDIR /app
RUN npm install --global pnpm@10

FROM base AS build
# Before the sources: installed anew only when these files change.
COPY package.json pnpm-lock.yaml ./
RUN --mount=type=cache,target=/root/.local/share/pnpm/store \
    pnpm install --frozen-lockfile
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; pnpm run build

FROM build AS test
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; pnpm run test

FROM build AS pruned
# What only the build needed stays behind.
RUN --mount=type=cache,target=/root/.local/share/pnpm/store \
    env CI=true pnpm prune --prod --ignore-scripts

FROM base
COPY --from=pruned --chown=node:node /app ./
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
USER node
EXPOSE 3000
CMD ["pnpm", "run", "start"]
