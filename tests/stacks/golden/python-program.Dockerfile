# Written by Bakery from its files. Yours to keep: put it into the repository as Dockerfile.
FROM python:3.13-slim
WORKDIR /app
ENV PYTHONUNBUFFERED=1 PATH=/app/.venv/bin:$PATH
RUN useradd --create-home --uid 1000 app
COPY --chown=app:app . .
# As the first process it does not hear SIGTERM, but SIGINT.
STOPSIGNAL SIGINT
ENV PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 PORT=8000
USER app
EXPOSE 8000
CMD ["python3", "app.py"]
