# Written by Bakery from mix.exs. Yours to keep: put it into the repository as Dockerfile.
FROM elixir:1.18-slim AS build
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential ca-certificates git \
    && rm -rf /var/lib/apt/lists/*
ENV MIX_ENV=prod MIX_HOME=/app/.mix HEX_HOME=/app/.hex
RUN mix local.hex --force
RUN mix local.rebar --force
COPY . .
RUN mix deps.get --only prod
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; env MIX_ENV=prod mix compile

FROM elixir:1.18-slim
WORKDIR /app
ENV LANG=C.UTF-8 MIX_HOME=/app/.mix HEX_HOME=/app/.hex
RUN useradd --create-home app
COPY --from=build --chown=app:app /app ./
ENV HOST=0.0.0.0 PORT=4000
USER app
EXPOSE 4000
CMD ["env", "MIX_ENV=prod", "mix", "run", "--no-halt"]
