# Written by Bakery from bunfig.toml. Yours to keep: put it into the repository as Dockerfile.
FROM oven/bun:1 AS base
WORKDIR /app

FROM base AS build
# Installing may need the sources, so they come first.
COPY . .

FROM base
COPY --from=build --chown=bun:bun /app ./
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
USER bun
EXPOSE 3000
CMD ["bun", "index.ts"]
