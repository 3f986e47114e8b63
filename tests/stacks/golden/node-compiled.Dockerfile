# Written by Bakery from package.json. Yours to keep: put it into the repository as Dockerfile.
FROM node:24-slim AS base
WORKDIR /app

FROM base AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates g++ git make python3 \
    && rm -rf /var/lib/apt/lists/*
# Before the sources: installed anew only when these files change.
COPY package.json ./
RUN --mount=type=cache,target=/root/.npm \
    npm install
COPY . .

FROM base
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build --chown=node:node /app ./
# The first process hands signals on, which the program itself would not hear in its place.
ENTRYPOINT ["tini", "--"]
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
USER node
EXPOSE 3000
CMD ["node", "index.js"]
