"""One table from what went wrong to the exit code."""

from collections.abc import Mapping

from bakery.model.errors import BadInput, BakeryError, NodeUnreachable, NotAllowed, NotFound, Unavailable

EXIT_CODES: Mapping[type[BakeryError], int] = {
    BakeryError: 1,
    BadInput: 2,
    NotAllowed: 3,
    NotFound: 4,
    Unavailable: 5,
    NodeUnreachable: 5,
}

SUPERSEDED = 6  # what was waited for gave way to a newer deployment: nothing failed, and this one is not live


def exit_code(error: BakeryError) -> int:
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)
