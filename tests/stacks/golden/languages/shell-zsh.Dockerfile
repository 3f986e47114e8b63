# Written by Bakery from start.sh. Yours to keep: put it into the repository as Dockerfile.
FROM debian:bookworm-slim AS build
WORKDIR /app
# What the script calls can be added here, by the names of Debian's packages.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl zsh \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home app
COPY . .

FROM build
ENV HOST=0.0.0.0 PORT=8080
USER app
EXPOSE 8080
CMD ["zsh", "start.sh"]
