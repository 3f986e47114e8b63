# Written by Bakery from package.json and package-lock.json. Yours to keep: put it into the repository as Dockerfile.
FROM node:24-slim AS base
WORKDIR /app

FROM base AS build
ARG VERSION
# Installing may need the sources, so they come first.
COPY . .
RUN --mount=type=cache,target=/root/.npm \
    npm ci && make
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=secret,id=variables \
    ["sh", "-c", "set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; exec \"$@\"", "sh", "make", "a b", "$HOME", "`id`", "\u003c\u003cEOF", "\\", "\n"]

FROM build AS test
RUN --mount=type=secret,id=variables \
    ["sh", "-c", "set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; exec \"$@\"", "sh", "sh", "-c", "make test | tee \u003c\u003cEOF"]

FROM build AS pruned
# What only the build needed stays behind.
RUN --mount=type=cache,target=/root/.npm \
    npm prune --omit=dev

FROM base
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/*
COPY --from=pruned --chown=node:node /app ./
# The first process hands signals on, which the program itself would not hear in its place.
ENTRYPOINT ["tini", "--"]
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
USER node
EXPOSE 3000
CMD ["sh", "-c", "exec node server.js --name \"$NAME\" # \n USER root"]
