# Written by Bakery from build.gradle. Yours to keep: put it into the repository as Dockerfile.
FROM eclipse-temurin:17-jdk AS build
WORKDIR /app
# Before the sources: fetched anew only when these files change.
COPY build.gradle gradlew ./
COPY gradle/ gradle/
RUN --mount=type=cache,target=/root/.gradle \
    sh gradlew --no-daemon dependencies
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.gradle \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; sh gradlew --no-daemon installDist

FROM eclipse-temurin:17-jre
WORKDIR /app
ENV JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75
RUN useradd --create-home app
COPY --from=build --chown=app:app /app/build/install build/install/
ENV HOST=0.0.0.0 PORT=8080
USER app
EXPOSE 8080
CMD ["sh", "-c", "set -- build/install/*/lib; exec java -cp \"$1/*\" gradle.App"]
