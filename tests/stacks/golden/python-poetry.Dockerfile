# Written by Bakery from pyproject.toml and poetry.lock. Yours to keep: put it into the repository as Dockerfile.
FROM python:3.13-slim AS base
WORKDIR /app
ENV PYTHONUNBUFFERED=1 PATH=/app/.venv/bin:$PATH
RUN useradd --create-home --uid 1000 app

FROM base AS build
ENV POETRY_VIRTUALENVS_IN_PROJECT=true
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install poetry
# Before the sources: installed anew only when these files change.
COPY pyproject.toml poetry.lock ./
RUN --mount=type=cache,target=/root/.cache/pypoetry \
    poetry install --only main --no-root --no-interaction
COPY . .

FROM base
COPY --from=build --chown=app:app /app ./
ENV PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 PORT=8000
USER app
EXPOSE 8000
CMD ["sh", "-c", "exec uvicorn main:app --host \"${HOST:-127.0.0.1}\" --port \"${PORT:-8000}\""]
