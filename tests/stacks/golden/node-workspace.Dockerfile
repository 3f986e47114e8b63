# Written by Bakery from apps/web/package.json and package-lock.json. Yours to keep: put it into the repository as Dockerfile.
FROM node:24-slim AS base
WORKDIR /app

FROM base AS build
# Before the sources: installed anew only when these files change.
COPY package.json package-lock.json ./
COPY apps/web/package.json ./apps/web/
COPY packages/ui/package.json ./packages/ui/
RUN --mount=type=cache,target=/root/.npm \
    npm ci
COPY . .
WORKDIR /app/apps/web
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; npx turbo run build --filter=web

FROM build AS test
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; npm run test

FROM build AS pruned
WORKDIR /app
# What only the build needed stays behind.
RUN --mount=type=cache,target=/root/.npm \
    npm prune --omit=dev

FROM base
COPY --from=pruned --chown=node:node /app ./
WORKDIR /app/apps/web
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
USER node
EXPOSE 3000
CMD ["npm", "run", "start"]
