# Written by Bakery from Gemfile. Yours to keep: put it into the repository as Dockerfile.
# The whole image builds, with the compilers and libraries that gems are made with; the small one runs.
FROM ruby:3.4 AS build
WORKDIR /app
ENV BUNDLE_WITHOUT=development:test
# Before the sources: installed anew only when these files change.
COPY Gemfile ./
RUN --mount=type=cache,target=/usr/local/bundle/cache \
    bundle install
COPY . .

FROM ruby:3.4-slim
WORKDIR /app
RUN useradd --create-home --uid 1000 app
COPY --from=build /usr/local/bundle /usr/local/bundle
COPY --from=build --chown=app:app /app ./
ENV BUNDLE_WITHOUT=development:test
ENV HOST=0.0.0.0 PORT=3000
USER app
EXPOSE 3000
CMD ["sh", "-c", "exec bundle exec ruby app.rb -o \"${HOST:-127.0.0.1}\" -p \"${PORT:-3000}\""]
