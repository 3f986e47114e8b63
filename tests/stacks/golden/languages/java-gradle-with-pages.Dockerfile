# Written by Bakery from build.gradle. Yours to keep: put it into the repository as Dockerfile.
FROM gradle:8-jdk21 AS build
WORKDIR /app
# The build calls npm.
COPY --from=node:24-slim /usr/local/bin/ /usr/local/bin/
COPY --from=node:24-slim /usr/local/lib/node_modules/ /usr/local/lib/node_modules/
# Before the sources: fetched anew only when these files change.
COPY build.gradle ./
RUN --mount=type=cache,target=/root/.gradle \
    gradle --no-daemon dependencies
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.gradle \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; gradle --no-daemon bootJar

FROM eclipse-temurin:21-jre
WORKDIR /app
ENV JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75
RUN useradd --create-home app
COPY --from=build --chown=app:app /app/build/libs/*.jar build/libs/
ENV HOST=0.0.0.0 PORT=8080
USER app
EXPOSE 8080
CMD ["sh", "-c", "set -- build/libs/*.jar; exec java -jar \"$1\" --server.address=\"${HOST:-127.0.0.1}\" --server.port=\"${PORT:-8080}\""]
