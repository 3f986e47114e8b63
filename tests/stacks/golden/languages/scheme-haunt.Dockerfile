# Written by Bakery from haunt.scm. Yours to keep: put it into the repository as Dockerfile.
FROM debian:trixie-slim AS build
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends haunt \
    && rm -rf /var/lib/apt/lists/*
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; haunt build

# Files alone, which nginx hands out: docker build --output FOLDER .
FROM scratch
COPY --from=build ["/app/site/", "/"]
