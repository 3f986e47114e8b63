# Written by Bakery from pelicanconf.py. Yours to keep: put it into the repository as Dockerfile.
FROM python:3.13-slim AS build
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/*
# Before the sources: fetched anew only when these files change.
COPY requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --requirement requirements.txt
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; pelican content --settings publishconf.py --output output

# Files alone, which nginx hands out: docker build --output FOLDER .
FROM scratch
COPY --from=build ["/app/output/", "/"]
