# Written by Bakery from build.zig. Yours to keep: put it into the repository as Dockerfile.
FROM python:3.12-slim-bookworm AS build
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git \
    && rm -rf /var/lib/apt/lists/*
RUN ["pip", "install", "ziglang==0.10.1.*"]
RUN ln -s "$(python3 -c 'import ziglang; print(ziglang.__path__[0])')/zig" /usr/local/bin/zig
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.cache/zig \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; zig build -Drelease-safe

FROM debian:bookworm-slim
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home app
COPY --from=build --chown=app:app /app/zig-out/bin/zig-gyro zig-out/bin/
# The first process hands signals on, which the program itself would not hear in its place.
ENTRYPOINT ["tini", "--"]
USER app
CMD ["zig-out/bin/zig-gyro"]
