"""Bakery's own log: on stderr, for people at a terminal, as a JSON object a line for everything else."""

import logging
import sys
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bakery.cli.server.bounded_file import BoundedFile


def log_to_stderr(level: str = "info") -> None:
    """What we say from a level on, and in the same form what libraries warn of through `logging`."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _tell_what_is_no_bug,
    ]
    for_people: list[Processor] = [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    for_programs: list[Processor] = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    stderr = cast("TextIO", BoundedFile(sys.stderr))  # writing and flushing is all that is asked of it
    last = for_people if sys.stderr.isatty() else for_programs
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stderr),
        cache_logger_on_first_use=True,
    )
    libraries = logging.StreamHandler(stderr)
    libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
        )
    )
    libraries.addFilter(_is_news)
    logging.basicConfig(handlers=[libraries], level=logging.WARNING)
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # it warns of each attempt to reach a lost database


def _tell_what_is_no_bug(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """An error that is raised on purpose, or by a lost database, is told by its sentence alone."""
    from bakery.model.errors import BakeryError

    del logger, method
    error = event.get("exc_info")
    error = error[1] if isinstance(error, tuple) else error
    if isinstance(error, BakeryError) or _is_lost_database(error):
        del event["exc_info"]
        event["error"] = str(error)
    return event


def _is_news(record: logging.LogRecord) -> bool:
    """Not that the database is lost: our listener tells it, once for all."""
    return not (record.exc_info and _is_lost_database(record.exc_info[1]))


def _is_lost_database(error: object) -> bool:
    """Also where a library wrapped the driver's error."""
    import psycopg

    lost = (psycopg.OperationalError, psycopg.InterfaceError)
    return isinstance(error, lost) or (isinstance(error, Exception) and isinstance(error.__cause__, lost))
