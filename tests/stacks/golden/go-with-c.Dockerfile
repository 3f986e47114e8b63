# Written by Bakery from go.mod. Yours to keep: put it into the repository as Dockerfile.
FROM golang:1.26-bookworm AS build
WORKDIR /app
ENV CGO_ENABLED=1
# Before the sources: fetched anew only when these files change.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod \
    go mod download
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; go build -trimpath -o bin/app ./cmd/server

FROM debian:bookworm-slim
WORKDIR /app
RUN useradd --create-home --uid 1000 app
# Whom the program trusts when it calls others.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
# The program, and the templates and the like among its sources that it may read.
COPY --from=build --chown=app:app /app ./
ENV HOST=0.0.0.0 PORT=8080
USER app
EXPOSE 8080
CMD ["./bin/app"]
