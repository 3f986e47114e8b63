# Written by Bakery from requirements.txt. Yours to keep: put it into the repository as Dockerfile.
FROM python:3.13-slim AS base
WORKDIR /app
ENV PYTHONUNBUFFERED=1 PATH=/app/.venv/bin:$PATH
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libmariadb3 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1000 app

FROM python:3.13 AS build
WORKDIR /app
# The whole image, with the compilers and libraries that some packages are made with.
ENV PYTHONUNBUFFERED=1 PATH=/app/.venv/bin:$PATH
RUN python3 -m venv .venv
COPY requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --requirement requirements.txt gunicorn
COPY . .

FROM base
COPY --from=build --chown=app:app /app ./
ENV PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 PORT=8000
USER app
EXPOSE 8000
CMD ["sh", "-c", "exec gunicorn app:app --bind \"${HOST:-127.0.0.1}:${PORT:-8000}\""]
