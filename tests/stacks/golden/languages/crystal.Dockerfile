# Written by Bakery from shard.yml and shard.lock. Yours to keep: put it into the repository as Dockerfile.
FROM crystallang/crystal:1.4.1-alpine AS build
WORKDIR /app
ENV CRYSTAL_OPTS=--static
# Before the sources: fetched anew only when these files change.
COPY shard.yml shard.lock ./
RUN --mount=type=cache,target=/root/.cache \
    shards install --production
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.cache \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; shards build crystal --release --production

FROM build AS test
RUN --mount=type=cache,target=/root/.cache \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; crystal spec

# The program holds all its libraries, so a small system is enough.
FROM alpine:3
WORKDIR /app
RUN apk add --no-cache tini
RUN adduser -D app
COPY --from=build --chown=app:app /app/bin/crystal bin/
# The first process hands signals on, which the program itself would not hear in its place.
ENTRYPOINT ["tini", "--"]
USER app
CMD ["bin/crystal"]
