# Written by Bakery from gleam.toml and manifest.toml. Yours to keep: put it into the repository as Dockerfile.
FROM ghcr.io/gleam-lang/gleam:v1.13.0-erlang-alpine AS build
WORKDIR /app
# Before the sources: fetched anew only when these files change.
COPY gleam.toml manifest.toml ./
RUN gleam deps download
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; gleam export erlang-shipment

FROM erlang:28-alpine
WORKDIR /app
RUN adduser -D app
COPY --from=build --chown=app:app /app/build/erlang-shipment build/erlang-shipment/
ENV HOST=0.0.0.0 PORT=8000
USER app
EXPOSE 8000
CMD ["./build/erlang-shipment/entrypoint.sh", "run"]
