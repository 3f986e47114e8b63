# Written by Bakery from stack.yaml. Yours to keep: put it into the repository as Dockerfile.
FROM haskell:9.6-slim AS build
WORKDIR /app
# Before the sources: fetched anew only when these files change.
COPY stack.yaml package.yaml ./
RUN --mount=type=cache,target=/root/.stack \
    stack --no-system-ghc --install-ghc build --only-dependencies
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.stack \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; stack --no-system-ghc --install-ghc build --copy-bins --local-bin-path bin

FROM build AS test
RUN --mount=type=cache,target=/root/.stack \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; stack --no-system-ghc --install-ghc test

FROM debian:bookworm-slim
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libgmp10 tini \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home app
COPY --from=build --chown=app:app /app/bin/haskell-stack-exe bin/
# The first process hands signals on, which the program itself would not hear in its place.
ENTRYPOINT ["tini", "--"]
USER app
CMD ["bin/haskell-stack-exe"]
