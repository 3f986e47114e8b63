# Written by Bakery from server.scm. Yours to keep: put it into the repository as Dockerfile.
FROM debian:bookworm-slim
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates chicken-bin tini \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home app
COPY --chown=app:app . .
# The first process hands signals on, which the program itself would not hear in its place.
ENTRYPOINT ["tini", "--"]
ENV HOST=0.0.0.0 PORT=8080
USER app
EXPOSE 8080
CMD ["csi", "-script", "server.scm"]
