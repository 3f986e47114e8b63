# Written by Bakery from pubspec.yaml. Yours to keep: put it into the repository as Dockerfile.
FROM ghcr.io/cirruslabs/flutter:stable AS build
WORKDIR /app
# Before the sources: fetched anew only when these files change.
COPY pubspec.yaml ./
RUN --mount=type=cache,target=/root/.pub-cache \
    flutter pub get
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.pub-cache \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; flutter build web --release

# Files alone, which nginx hands out: docker build --output FOLDER .
FROM scratch
COPY --from=build ["/app/build/web/", "/"]
