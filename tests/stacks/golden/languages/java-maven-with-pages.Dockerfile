# Written by Bakery from pom.xml. Yours to keep: put it into the repository as Dockerfile.
FROM maven:3-eclipse-temurin-21 AS build
WORKDIR /app
# The build calls yarn.
COPY --from=node:24-slim /usr/local/bin/ /usr/local/bin/
COPY --from=node:24-slim /usr/local/lib/node_modules/ /usr/local/lib/node_modules/
RUN npm install --global --force yarn
# Before the sources: fetched anew only when these files change.
COPY pom.xml ./
RUN --mount=type=cache,target=/root/.m2 \
    mvn --batch-mode --no-transfer-progress dependency:go-offline
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.m2 \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; mvn --batch-mode --no-transfer-progress -DskipTests package

FROM eclipse-temurin:21-jre
WORKDIR /app
ENV JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75
RUN useradd --create-home app
COPY --from=build --chown=app:app /app/target/shop-1.0.jar target/
ENV HOST=0.0.0.0 PORT=8080
USER app
EXPOSE 8080
CMD ["sh", "-c", "exec java -jar target/shop-1.0.jar --server.address=\"${HOST:-127.0.0.1}\" --server.port=\"${PORT:-8080}\""]
