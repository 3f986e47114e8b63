# Written by Bakery from start.sh. Yours to keep: put it into the repository as Dockerfile.
FROM debian:bookworm-slim
WORKDIR /app
# What the script calls can be added here, by the names of Debian's packages.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl tini zsh \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home app
COPY . .
# The first process hands signals on, which the program itself would not hear in its place.
ENTRYPOINT ["tini", "--"]
ENV HOST=0.0.0.0 PORT=8080
USER app
EXPOSE 8080
CMD ["zsh", "start.sh"]
