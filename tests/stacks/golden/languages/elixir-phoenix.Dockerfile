# Written by Bakery from mix.exs and mix.lock. Yours to keep: put it into the repository as Dockerfile.
FROM elixir:1.16-slim AS build
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential ca-certificates git \
    && rm -rf /var/lib/apt/lists/*
ENV MIX_ENV=prod
RUN mix local.hex --force
RUN mix local.rebar --force
# Before the sources: fetched anew only when these files change.
COPY mix.exs mix.lock ./
COPY config/ config/
RUN --mount=type=cache,target=/root/.hex \
    mix deps.get --only prod
RUN --mount=type=cache,target=/root/.hex \
    mix deps.compile
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.hex \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; export MIX_ENV=prod; mix assets.deploy && mix release --overwrite

# A release has its Erlang with it; this base has the libraries that it was built with.
FROM elixir:1.16-slim
WORKDIR /app
ENV LANG=C.UTF-8
RUN useradd --create-home app
COPY --from=build --chown=app:app /app/_build/prod/rel/shop _build/prod/rel/shop/
ENV HOST=0.0.0.0 PORT=4000
USER app
EXPOSE 4000
CMD ["env", "PHX_SERVER=true", "_build/prod/rel/shop/bin/shop", "start"]
