# Written by Bakery from deps.edn. Yours to keep: put it into the repository as Dockerfile.
FROM clojure:temurin-21-tools-deps AS build
WORKDIR /app
# Before the sources: fetched anew only when these files change.
COPY deps.edn ./
RUN --mount=type=cache,target=/root/.m2 \
    clojure -P
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.m2 \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; clojure -T:build uber

FROM eclipse-temurin:21-jre
WORKDIR /app
ENV JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75
RUN useradd --create-home app
COPY --from=build --chown=app:app /app/target/*.jar target/
ENV HOST=0.0.0.0 PORT=8080
USER app
EXPOSE 8080
CMD ["sh", "-c", "set -- target/*.jar; exec java -jar \"$1\""]
