"""What packages of Node's world need beside themselves: programs of Debian, and the address of a database."""

from collections.abc import Mapping

from bakery.stacks.package_json import Package
from bakery.stacks.system_packages import needed_packages

_CHROMIUM = ("chromium", "fonts-liberation")
_SYSTEM: Mapping[str, tuple[str, ...]] = {
    "puppeteer": _CHROMIUM,
    "puppeteer-core": _CHROMIUM,
    "playwright": _CHROMIUM,
    "playwright-core": _CHROMIUM,
    "prisma": ("openssl",),
    "@prisma/client": ("openssl",),
    "fluent-ffmpeg": ("ffmpeg",),
    "gm": ("graphicsmagick",),
    "pdf2pic": ("ghostscript", "graphicsmagick"),
    "nodegit": ("libgssapi-krb5-2",),
    "simple-git": ("git",),
}
CLIENTS: Mapping[str, tuple[str, str]] = {
    "pg": ("DATABASE_URL", "PostgreSQL"),
    "postgres": ("DATABASE_URL", "PostgreSQL"),
    "@prisma/client": ("DATABASE_URL", "a database"),
    "mysql": ("DATABASE_URL", "MySQL"),
    "mysql2": ("DATABASE_URL", "MySQL"),
    "mongodb": ("MONGODB_URI", "MongoDB"),
    "mongoose": ("MONGODB_URI", "MongoDB"),
    "redis": ("REDIS_URL", "Redis"),
    "ioredis": ("REDIS_URL", "Redis"),
    "bullmq": ("REDIS_URL", "Redis"),
    "amqplib": ("AMQP_URL", "RabbitMQ"),
    "@elastic/elasticsearch": ("ELASTICSEARCH_URL", "Elasticsearch"),
}


def packages_for(package: Package) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return needed_packages(package.all_needs, _SYSTEM, source=package.shown)
