# Written by Bakery from Package.swift. Yours to keep: put it into the repository as Dockerfile.
FROM swift:6.2 AS build
WORKDIR /app
# Before the sources: fetched anew only when these files change.
COPY Package.swift ./
RUN --mount=type=cache,target=/root/.cache/org.swift.swiftpm \
    swift package resolve
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.cache/org.swift.swiftpm \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; swift build --configuration release --product swift

# Less than the compiler: the libraries that each program in Swift needs.
FROM swift:6.2-slim
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home app
COPY --from=build --chown=app:app /app/.build/release/swift .build/release/
# The first process hands signals on, which the program itself would not hear in its place.
ENTRYPOINT ["tini", "--"]
USER app
CMD [".build/release/swift"]
