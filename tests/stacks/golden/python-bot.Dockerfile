# Written by Bakery from requirements.txt. Yours to keep: put it into the repository as Dockerfile.
FROM python:3.13-slim AS base
WORKDIR /app
ENV PYTHONUNBUFFERED=1 PATH=/app/.venv/bin:$PATH
RUN useradd --create-home --uid 1000 app

FROM base AS build
RUN python3 -m venv .venv
COPY requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --requirement requirements.txt
COPY . .

FROM base
COPY --from=build --chown=app:app /app ./
# As the first process it does not hear SIGTERM, but SIGINT.
STOPSIGNAL SIGINT
ENV PYTHONDONTWRITEBYTECODE=1
USER app
CMD ["python3", "bot.py"]
