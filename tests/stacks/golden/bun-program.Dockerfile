# Written by Bakery from bunfig.toml. Yours to keep: put it into the repository as Dockerfile.
FROM oven/bun:1
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/*
COPY --chown=bun:bun . .
# The first process hands signals on, which the program itself would not hear in its place.
ENTRYPOINT ["tini", "--"]
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
USER bun
EXPOSE 3000
CMD ["bun", "index.ts"]
