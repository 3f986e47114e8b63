# Written by Bakery from Gemfile and Gemfile.lock. Yours to keep: put it into the repository as Dockerfile.
# The whole image builds, with the compilers and libraries that gems are made with; the small one runs.
FROM ruby:3.3 AS build
WORKDIR /app
ENV RAILS_ENV=production BUNDLE_WITHOUT=development:test BUNDLE_FROZEN=true
# Before the sources: installed anew only when these files change.
COPY Gemfile Gemfile.lock ./
RUN --mount=type=cache,target=/usr/local/bundle/cache \
    bundle install
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; env RAILS_ENV=production SECRET_KEY_BASE_DUMMY=1 bundle exec rails assets:precompile

FROM ruby:3.3-slim
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libpq5 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1000 app
COPY --from=build /usr/local/bundle /usr/local/bundle
COPY --from=build --chown=app:app /app ./
ENV RAILS_ENV=production RAILS_LOG_TO_STDOUT=1 RAILS_SERVE_STATIC_FILES=1 BUNDLE_WITHOUT=development:test
ENV HOST=0.0.0.0 PORT=3000
USER app
EXPOSE 3000
CMD ["sh", "-c", "exec env RAILS_ENV=\"${RAILS_ENV:-production}\" bundle exec rails server --binding \"${HOST:-127.0.0.1}\" --port \"${PORT:-3000}\""]
