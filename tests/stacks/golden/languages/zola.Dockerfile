# Written by Bakery from config.toml. Yours to keep: put it into the repository as Dockerfile.
FROM debian:trixie-slim AS build
WORKDIR /app
# Its own image has nothing but the program.
COPY --from=ghcr.io/getzola/zola:v0.19.2 /bin/zola /usr/local/bin/
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; zola build

# Files alone, which nginx hands out: docker build --output FOLDER .
FROM scratch
COPY --from=build ["/app/site/", "/"]
