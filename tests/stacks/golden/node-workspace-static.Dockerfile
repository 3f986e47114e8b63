# Written by Bakery from site/package.json and pnpm-lock.yaml. Yours to keep: put it into the repository as Dockerfile.
FROM node:24-slim AS base
WORKDIR /app
RUN npm install --global pnpm@10

FROM base AS build
# Before the sources: installed anew only when these files change.
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY site/package.json ./site/
RUN --mount=type=cache,target=/root/.local/share/pnpm/store \
    pnpm install --frozen-lockfile
COPY . .
WORKDIR /app/site
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; pnpm exec astro build

# Files alone, which nginx hands out: docker build --output FOLDER .
FROM scratch
COPY --from=build ["/app/site/dist/", "/"]
