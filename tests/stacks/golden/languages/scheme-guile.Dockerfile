# Written by Bakery from main.scm. Yours to keep: put it into the repository as Dockerfile.
FROM debian:bookworm-slim AS build
WORKDIR /app
COPY . .

FROM debian:bookworm-slim
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates guile-3.0 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home app
COPY --from=build --chown=app:app /app ./
ENV HOST=0.0.0.0 PORT=8080
USER app
EXPOSE 8080
CMD ["guile", "--no-auto-compile", "-s", "main.scm"]
