# Written by Bakery from index.cbl. Yours to keep: put it into the repository as Dockerfile.
FROM debian:bookworm-slim AS build
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc gnucobol3 libc6-dev \
    && rm -rf /var/lib/apt/lists/*
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; cobc -x -o program index.cbl

FROM debian:bookworm-slim
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libcob4 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home app
COPY --from=build --chown=app:app /app/program ./
USER app
CMD ["./program"]
