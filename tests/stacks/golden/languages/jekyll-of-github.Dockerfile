# Written by Bakery from _config.yml. Yours to keep: put it into the repository as Dockerfile.
FROM ruby:3.3 AS build
WORKDIR /app
ENV JEKYLL_ENV=production LANG=C.UTF-8
RUN --mount=type=cache,target=/usr/local/bundle/cache \
    gem install github-pages
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/usr/local/bundle/cache \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; jekyll build

# Files alone, which nginx hands out: docker build --output FOLDER .
FROM scratch
COPY --from=build ["/app/_site/", "/"]
