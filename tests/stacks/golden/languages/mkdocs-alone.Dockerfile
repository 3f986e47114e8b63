# Written by Bakery from mkdocs.yml. Yours to keep: put it into the repository as Dockerfile.
FROM python:3.13-slim AS build
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/*
# Before the sources: fetched anew only when these files change.
COPY mkdocs.yml ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install mkdocs && pip install $(mkdocs get-deps)
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; mkdocs build --site-dir site

# Files alone, which nginx hands out: docker build --output FOLDER .
FROM scratch
COPY --from=build ["/app/site/", "/"]
