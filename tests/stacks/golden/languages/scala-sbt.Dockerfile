# Written by Bakery from build.sbt. Yours to keep: put it into the repository as Dockerfile.
FROM sbtscala/scala-sbt:eclipse-temurin-21.0.6_7_1.10.11_2.13.16 AS build
WORKDIR /app
# Before the sources: fetched anew only when these files change.
COPY build.sbt ./
COPY project/ project/
RUN --mount=type=cache,target=/root/.sbt \
    --mount=type=cache,target=/root/.ivy2 \
    --mount=type=cache,target=/root/.cache/coursier \
    sbt update
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.sbt \
    --mount=type=cache,target=/root/.ivy2 \
    --mount=type=cache,target=/root/.cache/coursier \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; sbt stage

FROM eclipse-temurin:21-jre
WORKDIR /app
ENV JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75
RUN useradd --create-home app
COPY --from=build --chown=app:app /app/target/universal/stage target/universal/stage/
ENV HOST=0.0.0.0 PORT=8080
USER app
EXPOSE 8080
CMD ["target/universal/stage/bin/main"]
