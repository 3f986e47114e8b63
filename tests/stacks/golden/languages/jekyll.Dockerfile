# Written by Bakery from _config.yml, Gemfile and Gemfile.lock. Yours to keep: put it into the repository as Dockerfile.
FROM ruby:3.4 AS build
WORKDIR /app
ENV JEKYLL_ENV=production LANG=C.UTF-8
# Before the sources: fetched anew only when these files change.
COPY Gemfile Gemfile.lock ./
RUN --mount=type=cache,target=/usr/local/bundle/cache \
    bundle install
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/usr/local/bundle/cache \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; bundle exec jekyll build

# Files alone, which nginx hands out: docker build --output FOLDER .
FROM scratch
COPY --from=build ["/app/public/", "/"]
