# Written by Bakery from package.json and package-lock.json. Yours to keep: put it into the repository as Dockerfile.
FROM node:24-slim AS base
WORKDIR /app

FROM base AS build
# Before the sources: installed anew only when these files change.
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm \
    npm ci
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; npm run build

# Files alone, which nginx hands out: docker build --output FOLDER .
FROM scratch
COPY --from=build ["/app/dist/", "/"]
