# Written by Bakery from hugo.toml. Yours to keep: put it into the repository as Dockerfile.
FROM hugomods/hugo:exts-0.145.0 AS build
WORKDIR /app
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; hugo --minify

# Files alone, which nginx hands out: docker build --output FOLDER .
FROM scratch
COPY --from=build ["/app/out/", "/"]
