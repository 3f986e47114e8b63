# Written by Bakery from pubspec.yaml. Yours to keep: put it into the repository as Dockerfile.
FROM dart:stable AS build
WORKDIR /app
ENV PATH=/root/.pub-cache/bin:$PATH
RUN dart pub global activate dart_frog_cli
# Before the sources: fetched anew only when these files change.
COPY pubspec.yaml ./
RUN dart pub get
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; dart_frog build && dart compile exe build/bin/server.dart --output build/server

FROM debian:bookworm-slim
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates tini \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home app
COPY --from=build --chown=app:app /app/build/server build/
COPY --from=build --chown=app:app /app/public public/
# The first process hands signals on, which the program itself would not hear in its place.
ENTRYPOINT ["tini", "--"]
ENV HOST=0.0.0.0 PORT=8080
USER app
EXPOSE 8080
CMD ["build/server"]
