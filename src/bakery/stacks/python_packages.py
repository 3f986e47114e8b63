"""What packages of Python's world need beside themselves, and what they tell of an app: a bot, a database's client."""

from collections.abc import Collection, Mapping

from msgspec import Struct

BOTS = frozenset(
    {
        *("discord", "discord-py", "py-cord", "nextcord", "disnake", "hikari", "python-telegram-bot", "aiogram"),
        *("pytelegrambotapi", "pyrogram", "telethon", "slack-bolt", "tweepy", "praw", "twitchio", "mastodon-py"),
    }
)
WEB = frozenset(
    {
        *("flask", "fastapi", "django", "starlette", "quart", "sanic", "aiohttp", "tornado", "bottle", "falcon"),
        *("litestar", "python-fasthtml", "streamlit", "gradio", "dash", "nicegui", "chainlit", "uvicorn", "gunicorn"),
        *("websockets", "grpcio", "cherrypy", "pyramid", "robyn", "reflex", "flet", "panel"),
    }
)
CLIENTS: Mapping[str, tuple[str, str]] = {
    "psycopg": ("DATABASE_URL", "PostgreSQL"),
    "psycopg2": ("DATABASE_URL", "PostgreSQL"),
    "psycopg2-binary": ("DATABASE_URL", "PostgreSQL"),
    "asyncpg": ("DATABASE_URL", "PostgreSQL"),
    "mysqlclient": ("DATABASE_URL", "MySQL"),
    "pymysql": ("DATABASE_URL", "MySQL"),
    "dj-database-url": ("DATABASE_URL", "databases"),
    "pymongo": ("MONGODB_URI", "MongoDB"),
    "motor": ("MONGODB_URI", "MongoDB"),
    "redis": ("REDIS_URL", "Redis"),
    "celery": ("CELERY_BROKER_URL", "a broker"),
    "pika": ("AMQP_URL", "RabbitMQ"),
    "discord-py": ("DISCORD_TOKEN", "Discord"),
    "python-telegram-bot": ("TELEGRAM_BOT_TOKEN", "Telegram"),
    "openai": ("OPENAI_API_KEY", "OpenAI"),
    "anthropic": ("ANTHROPIC_API_KEY", "Anthropic"),
}


class Native(Struct, frozen=True):
    """Debian's packages for one of Python's: to run with, and beyond the whole image to compile it with."""

    run: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    compiles: bool = False


_PANGO = ("libharfbuzz-subset0", "libpango-1.0-0", "libpangoft2-1.0-0")
_KNOWN: Mapping[str, Native] = {
    "psycopg2": Native(("libpq5",), compiles=True),
    "psycopg": Native(("libpq5",)),
    "mysqlclient": Native(("libmariadb3",), compiles=True),
    "pycairo": Native(("libcairo2",), ("libcairo2-dev",), compiles=True),
    "cairocffi": Native(("libcairo2",)),
    "cairosvg": Native(("libcairo2",)),
    "weasyprint": Native(_PANGO),
    "pydub": Native(("ffmpeg",)),
    "moviepy": Native(("ffmpeg",)),
    "pymovie": Native(("ffmpeg",)),
    "ffmpeg-python": Native(("ffmpeg",)),
    "yt-dlp": Native(("ffmpeg",)),
    "openai-whisper": Native(("ffmpeg",)),
    "pdf2image": Native(("poppler-utils",)),
    "pytesseract": Native(("tesseract-ocr",)),
    "python-magic": Native(("libmagic1",)),
    "opencv-python": Native(("libgl1", "libglib2.0-0")),
    "graphviz": Native(("graphviz",)),
    "pyodbc": Native(("unixodbc",)),
    "pycurl": Native(("libcurl4",), compiles=True),
    "xmlsec": Native(("libxmlsec1-openssl",), ("libxmlsec1-dev",), compiles=True),
    "pyaudio": Native(("libportaudio2",), ("portaudio19-dev",), compiles=True),
    "uwsgi": Native(compiles=True),
    "gitpython": Native(("git",)),
    "selenium": Native(("chromium", "chromium-driver")),
    "pyppeteer": Native(("chromium",)),
}


def native_needs(needs: Collection[str], extras: Collection[str], *, source: str) -> tuple[Native, tuple[str, ...]]:
    """All of them together, and the sentences for them."""
    brought = {"psycopg"} if {"psycopg[binary]", "psycopg[c,binary]"} & set(extras) else set()
    found = {one: native for one, native in _KNOWN.items() if one in needs and one not in brought}
    why = tuple(
        f"{source} needs {one}, and that {' and '.join(native.run)}." for one, native in found.items() if native.run
    )
    return Native(
        tuple(dict.fromkeys(name for native in found.values() for name in native.run)),
        tuple(dict.fromkeys(name for native in found.values() for name in native.build)),
        any(native.compiles for native in found.values()) or "psycopg[c]" in extras,
    ), why
