# Written by Bakery from pom.xml. Yours to keep: put it into the repository as Dockerfile.
FROM maven:3-eclipse-temurin-17 AS build
WORKDIR /app
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.m2 \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; mvn --batch-mode --no-transfer-progress -DskipTests --projects app --also-make package

FROM eclipse-temurin:17-jre
WORKDIR /app
ENV JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75
RUN useradd --create-home app
COPY --from=build --chown=app:app /app/app/target/java-app-1.0-jar-with-dependencies.jar app/target/
ENV HOST=0.0.0.0 PORT=8080
USER app
EXPOSE 8080
CMD ["java", "-jar", "app/target/java-app-1.0-jar-with-dependencies.jar"]
