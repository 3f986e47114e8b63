# Written by Bakery from package.json. Yours to keep: put it into the repository as Dockerfile.
FROM node:24-slim AS base
WORKDIR /app

FROM base AS build
# Installing may need the sources, so they come first.
COPY . .
RUN --mount=type=cache,target=/root/.npm \
    npm install

FROM base
COPY --from=build --chown=node:node /app ./
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
USER node
EXPOSE 3000
CMD ["npm", "run", "start"]
