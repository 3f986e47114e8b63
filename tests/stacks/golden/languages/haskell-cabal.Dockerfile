# Written by Bakery from x.cabal. Yours to keep: put it into the repository as Dockerfile.
FROM haskell:9.6-slim AS build
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libpq-dev \
    && rm -rf /var/lib/apt/lists/*
# Before the sources: fetched anew only when these files change.
COPY x.cabal ./
RUN --mount=type=cache,target=/root/.cabal \
    cabal update
RUN --mount=type=cache,target=/root/.cabal \
    cabal build --only-dependencies
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.cabal \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; cabal install exe:my-app --install-method=copy --installdir=bin --overwrite-policy=always

FROM debian:bookworm-slim
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libgmp10 libpq5 tini \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home app
COPY --from=build --chown=app:app /app/bin/my-app bin/
# The first process hands signals on, which the program itself would not hear in its place.
ENTRYPOINT ["tini", "--"]
ENV HOST=0.0.0.0 PORT=3000
USER app
EXPOSE 3000
CMD ["bin/my-app"]
