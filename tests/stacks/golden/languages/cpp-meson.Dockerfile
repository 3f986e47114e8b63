# Written by Bakery from meson.build. Yours to keep: put it into the repository as Dockerfile.
FROM debian:bookworm-slim AS build
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential meson ninja-build pkg-config \
    && rm -rf /var/lib/apt/lists/*
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; meson setup build --buildtype=release && meson compile -C build

FROM debian:bookworm-slim
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libstdc++6 tini \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home app
COPY --from=build --chown=app:app /app/build/cpp-meson build/
# The first process hands signals on, which the program itself would not hear in its place.
ENTRYPOINT ["tini", "--"]
ENV HOST=0.0.0.0 PORT=8080
USER app
EXPOSE 8080
CMD ["build/cpp-meson"]
