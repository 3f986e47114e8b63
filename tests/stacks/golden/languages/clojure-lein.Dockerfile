# Written by Bakery from project.clj. Yours to keep: put it into the repository as Dockerfile.
FROM clojure:temurin-21-lein AS build
WORKDIR /app
# Before the sources: fetched anew only when these files change.
COPY project.clj ./
RUN --mount=type=cache,target=/root/.m2 \
    lein deps
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.m2 \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; lein ring uberjar

FROM eclipse-temurin:21-jre
WORKDIR /app
ENV JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75
RUN useradd --create-home app
COPY --from=build --chown=app:app /app/target/hello-ring-0.1.0-SNAPSHOT-standalone.jar target/
ENV HOST=0.0.0.0 PORT=8080
USER app
EXPOSE 8080
CMD ["java", "-jar", "target/hello-ring-0.1.0-SNAPSHOT-standalone.jar"]
