# Written by Bakery from x.cabal. Yours to keep: put it into the repository as Dockerfile.
FROM haskell:9.6-slim AS build
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libpq-dev \
    && rm -rf /var/lib/apt/lists/*
COPY . .
RUN --mount=type=cache,target=/root/.cabal \
    cabal update
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.cabal \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; cabal install exe:my-app --install-method=copy --installdir=bin --overwrite-policy=always

FROM debian:bookworm-slim
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libgmp10 libpq5 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home app
COPY --from=build --chown=app:app /app/bin/my-app bin/
ENV HOST=0.0.0.0 PORT=3000
USER app
EXPOSE 3000
CMD ["bin/my-app"]
