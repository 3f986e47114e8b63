# Written by Bakery from deno.json. Yours to keep: put it into the repository as Dockerfile.
FROM denoland/deno:2.8.1 AS base
WORKDIR /app

FROM base AS build
# Before the sources: fetched anew only when these files change.
COPY deno.json ./
RUN deno install
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; deno cache main.ts

FROM base
# What was fetched is in Deno's own folder, so nothing is when the app starts.
COPY --from=build --chown=deno:deno /deno-dir /deno-dir
COPY --from=build --chown=deno:deno /app ./
ENV DENO_NO_UPDATE_CHECK=1
USER deno
CMD ["deno", "run", "-A", "main.ts"]
