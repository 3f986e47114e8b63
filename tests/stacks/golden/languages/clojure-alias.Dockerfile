# Written by Bakery from deps.edn. Yours to keep: put it into the repository as Dockerfile.
FROM clojure:temurin-21-tools-deps AS build
WORKDIR /app
ENV JAVA_TOOL_OPTIONS=-Duser.home=/app GITLIBS=/app/.gitlibs
# Before the sources: fetched anew only when these files change.
COPY deps.edn ./
RUN clojure -P -M:run
COPY . .

FROM clojure:temurin-21-tools-deps
WORKDIR /app
ENV JAVA_TOOL_OPTIONS=-Duser.home=/app GITLIBS=/app/.gitlibs
RUN useradd --create-home app
COPY --from=build --chown=app:app /app ./
ENV HOST=0.0.0.0 PORT=8080
USER app
EXPOSE 8080
CMD ["clojure", "-M:run"]
