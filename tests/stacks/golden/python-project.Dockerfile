# Written by Bakery from pyproject.toml. Yours to keep: put it into the repository as Dockerfile.
FROM python:3.13-slim AS base
WORKDIR /app
ENV PYTHONUNBUFFERED=1 PATH=/app/.venv/bin:$PATH
RUN useradd --create-home --uid 1000 app

FROM base AS build
RUN python3 -m venv .venv
COPY . .
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install .

FROM build AS test
RUN --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; python3 -m pytest

FROM base
COPY --from=build --chown=app:app /app ./
ENV PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 PORT=8000
USER app
EXPOSE 8000
CMD ["sh", "-c", "exec uvicorn main:app --host \"${HOST:-127.0.0.1}\" --port \"${PORT:-8000}\""]
