# Written by Bakery from pyproject.toml and uv.lock. Yours to keep: put it into the repository as Dockerfile.
FROM python:3.13-slim AS base
WORKDIR /app
ENV PYTHONUNBUFFERED=1 PATH=/app/.venv/bin:$PATH
RUN useradd --create-home --uid 1000 app

FROM base AS build
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install uv
# Before the sources: installed anew only when these files change.
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-dev --no-install-project
COPY . .
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-dev

FROM build AS test
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; uv run --locked pytest

FROM base
COPY --from=build --chown=app:app /app ./
ENV PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 PORT=8000
USER app
EXPOSE 8000
CMD ["sh", "-c", "exec uvicorn main:app --host \"${HOST:-127.0.0.1}\" --port \"${PORT:-8000}\""]
