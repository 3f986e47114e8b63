# Written by Bakery from Pipfile and Pipfile.lock. Yours to keep: put it into the repository as Dockerfile.
FROM python:3.13-slim AS base
WORKDIR /app
ENV PYTHONUNBUFFERED=1 PATH=/app/.venv/bin:$PATH
RUN useradd --create-home --uid 1000 app

FROM base AS build
ENV PIPENV_VENV_IN_PROJECT=1
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install pipenv
# Before the sources: installed anew only when these files change.
COPY Pipfile Pipfile.lock ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pipenv install --deploy
COPY . .

FROM base
COPY --from=build --chown=app:app /app ./
ENV PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 PORT=8000
USER app
EXPOSE 8000
CMD ["sh", "-c", "exec uvicorn main:app --host \"${HOST:-127.0.0.1}\" --port \"${PORT:-8000}\""]
