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
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; swift build --configuration release --product Run

FROM build AS test
RUN --mount=type=cache,target=/root/.cache/org.swift.swiftpm \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; swift test

# Less than the compiler: the libraries that each program in Swift needs.
FROM swift:6.2-slim
WORKDIR /app
RUN useradd --create-home app
COPY --from=build --chown=app:app /app/.build/release/Run .build/release/
COPY --from=build --chown=app:app /app/Public Public/
ENV HOST=0.0.0.0 PORT=8080
USER app
EXPOSE 8080
CMD ["sh", "-c", "exec .build/release/Run serve --env production --hostname \"${HOST:-127.0.0.1}\" --port \"${PORT:-8080}\""]
