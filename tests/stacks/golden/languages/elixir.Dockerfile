# Written by Bakery from mix.exs. Yours to keep: put it into the repository as Dockerfile.
FROM elixir:1.18-slim AS build
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential ca-certificates git \
    && rm -rf /var/lib/apt/lists/*
ENV MIX_ENV=prod
RUN mix local.hex --force
RUN mix local.rebar --force
# Before the sources: fetched anew only when these files change.
COPY mix.exs ./
RUN --mount=type=cache,target=/root/.hex \
    mix deps.get --only prod
RUN --mount=type=cache,target=/root/.hex \
    mix deps.compile
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.hex \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; export MIX_ENV=prod; mix release --overwrite

# A release has its Erlang with it; this base has the libraries that it was built with.
FROM elixir:1.18-slim
WORKDIR /app
ENV LANG=C.UTF-8
RUN useradd --create-home app
COPY --from=build --chown=app:app /app/_build/prod/rel/elixir_example _build/prod/rel/elixir_example/
USER app
CMD ["_build/prod/rel/elixir_example/bin/elixir_example", "start"]
