# Written by Bakery from deno.jsonc and deno.lock. Yours to keep: put it into the repository as Dockerfile.
FROM denoland/deno:2.1.0 AS base
WORKDIR /app

FROM base AS build
# Before the sources: fetched anew only when these files change.
COPY deno.jsonc deno.lock ./
RUN deno install --frozen
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; deno cache main.ts

FROM build AS test
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; deno task test

FROM base
# What was fetched is in Deno's own folder, so nothing is when the app starts.
COPY --from=build --chown=deno:deno /deno-dir /deno-dir
COPY --from=build --chown=deno:deno /app ./
ENV DENO_NO_UPDATE_CHECK=1 HOST=0.0.0.0 PORT=8000
USER deno
EXPOSE 8000
CMD ["sh", "-c", "export DENO_SERVE_ADDRESS=\"tcp:${HOST:-127.0.0.1}:${PORT:-8000}\"; exec deno task start"]
