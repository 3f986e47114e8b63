"""How the API refuses: one shape for every error, in the description of every route."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from litestar.openapi.datastructures import ResponseSpec


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """RFC 9457 problem details. `detail` is a sentence for people, `hint` says what to do, `field` what is wrong."""

    type: str
    title: str
    status: int
    detail: str
    instance: str  # the request's id, as in Bakery's log
    hint: str = ""
    field: str = ""


_ALWAYS = (400, 401, 403, 404, 422, 503)


def problems(*others: int) -> Mapping[int, ResponseSpec]:
    """For a route's `responses`: what any may answer, and `others` that this one may."""
    return {
        status: ResponseSpec(
            Problem,
            description=HTTPStatus(status).phrase,
            media_type="application/problem+json",
            generate_examples=False,
        )
        for status in sorted({*_ALWAYS, *others})
    }
