# Written by Bakery from Cargo.toml and Cargo.lock. Yours to keep: put it into the repository as Dockerfile.
FROM rust:1-slim-bookworm AS build
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libssl-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
COPY . .
# What was compiled before lies in the caches; the program itself is put into bin.
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/app/target \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; cargo install --locked --no-track --root . --path . --bin shop

FROM build AS test
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/app/target \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; cargo test --locked

FROM debian:bookworm-slim
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libssl3 tini \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1000 app
# The program, and the templates and the like among its sources that it may read.
COPY --from=build --chown=app:app /app ./
# The first process hands signals on, which the program itself would not hear in its place.
ENTRYPOINT ["tini", "--"]
ENV HOST=0.0.0.0 PORT=8000
USER app
EXPOSE 8000
CMD ["./bin/shop"]
