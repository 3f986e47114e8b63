"""What packages of Node's world need beside themselves: programs of Debian, the address of a database, migrations."""

import re
from collections.abc import Callable, Mapping

from msgspec import Struct

from bakery.model.app_commands import Words
from bakery.stacks.package_json import Package
from bakery.stacks.system_packages import needed_packages
from bakery.stacks.tree import Folder

_CHROMIUM = ("chromium", "fonts-liberation")
_PUPPETEER = ("puppeteer", "puppeteer-core")
_PLAYWRIGHT = ("playwright", "playwright-core")
_SYSTEM: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys((*_PUPPETEER, *_PLAYWRIGHT), _CHROMIUM),
    "prisma": ("openssl",),
    "@prisma/client": ("openssl",),
    "fluent-ffmpeg": ("ffmpeg",),
    "gm": ("graphicsmagick",),
    "pdf2pic": ("ghostscript", "graphicsmagick"),
    "simple-git": ("git",),
    # Where npm has none that is compiled for this Node.
    "canvas": ("libcairo2", "libgif7", "libjpeg62-turbo", "libpangocairo-1.0-0", "librsvg2-2"),
}
_TO_COMPILE = ("g++", "make", "python3")
_COMPILED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("node-pty", "isolated-vm", "re2", "node-sass", "usb", "couchbase"), _TO_COMPILE),
    "canvas": (
        *(*_TO_COMPILE, "libcairo2-dev", "libgif-dev", "libjpeg-dev", "libpango1.0-dev", "librsvg2-dev"),
        "pkg-config",
    ),
}
_BOTS = frozenset(
    {
        *("discord.js", "eris", "oceanic.js", "@discordjs/core", "telegraf", "grammy", "node-telegram-bot-api"),
        *("whatsapp-web.js", "@whiskeysockets/baileys", "tmi.js", "mineflayer", "matrix-bot-sdk"),
    }
)
# Who needs one of these beside it is asked by others too.
_SERVERS = frozenset({"express", "fastify", "koa", "hono", "polka", "restify", "@hapi/hapi", "h3", "micro", "ws"})
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


class SystemNeeds(Struct, frozen=True):
    """Of Debian: where it runs, and besides where it is built. `variables` are set in its image."""

    run: tuple[str, ...]
    build: tuple[str, ...]
    why: tuple[str, ...]
    variables: Mapping[str, str]


def system_needs(package: Package) -> SystemNeeds:
    run, why = needed_packages(package.needs, _SYSTEM, source=package.shown)
    build, built = needed_packages(package.all_needs, _COMPILED, source=package.shown)
    if any(re.match(r"git[+:]|github:|gitlab:|bitbucket:", asked) for asked in package.asks.values()):
        build = (*build, "ca-certificates", "git")
    variables: dict[str, str] = {}
    if package.needs & set(_PUPPETEER):
        variables |= {"PUPPETEER_SKIP_DOWNLOAD": "true", "PUPPETEER_EXECUTABLE_PATH": "/usr/bin/chromium"}
    if needs_playwright(package):
        variables |= {"PLAYWRIGHT_BROWSERS_PATH": "0"}
    return SystemNeeds(run, build, (*why, *built), variables)


def needs_playwright(package: Package) -> bool:
    """Its browsers are its own; Debian's only brings the libraries."""
    return bool(package.needs & set(_PLAYWRIGHT))


def migration(folder: Folder, package: Package, program: Callable[..., Words]) -> tuple[Words | None, str]:
    """What brings a database up to date before a release, where a tool left migrations that it keeps count of."""
    for needs, mark, argv, what in (
        (("prisma", "@prisma/client"), "prisma/migrations/", ("prisma", "migrate", "deploy"), "Prisma's"),
        (("drizzle-kit",), "drizzle/meta/", ("drizzle-kit", "migrate"), "Drizzle's"),
        (("knex",), "migrations/", ("knex", "migrate:latest"), "Knex's"),
        (("sequelize-cli",), "migrations/", ("sequelize-cli", "db:migrate"), "Sequelize's"),
    ):
        if not package.all_needs & set(needs) or not folder.holds_any(mark):
            continue
        if what == "Knex's" and not folder.holds_any("knexfile."):
            continue
        if any(" ".join(argv) in package.scripts.get(name, "") for name in ("start", "prestart", "build")):
            return None, ""
        return program(*argv), f"{folder.shown(mark)} holds {what} migrations, which run before a release."
    return None, ""


def is_bot(package: Package) -> bool:
    """It talks to a service for chats, and nobody asks it anything."""
    return not package.needs.isdisjoint(_BOTS) and package.needs.isdisjoint(_SERVERS)
