"""The API, as the commands use it: JSON in, JSON out, and refusals as the errors that they stand for."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlsplit

from bakery.cli.client.context import Context, context_path, is_this_machine, read_context
from bakery.model.errors import (
    BadInput,
    BakeryError,
    Conflict,
    NotAllowed,
    NotFound,
    NotSignedIn,
    TooMany,
    Unavailable,
)
from bakery.model.secret import Secret

if TYPE_CHECKING:
    import httpx

Body = dict[str, Any]  # every answer of the API is an object

_PATIENCE = 30.0
_ERRORS: Mapping[int, type[BakeryError]] = {401: NotSignedIn, 403: NotAllowed, 404: NotFound, 409: Conflict}


class Api:
    """A connection to one Bakery. Values in paths are quoted by `path`."""

    def __init__(self, url: str, token: Secret | None) -> None:
        import httpx

        parts = urlsplit(url)
        headers = {"accept": "application/json", "user-agent": "bakery"}
        # Without a token we are checked like a browser: the request must come from Bakery's own address.
        headers |= (
            {"authorization": f"Bearer {token.reveal()}"} if token else {"origin": f"{parts.scheme}://{parts.netloc}"}
        )
        self.url = url
        self._http = httpx.Client(
            base_url=f"{url}/api",
            headers=headers,
            timeout=_PATIENCE,
            trust_env=not is_this_machine(url),  # a proxy would look for it on its own machine
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **query: str | int | None) -> Body:
        return self._ask("GET", path, params=_given(query))

    def post(self, path: str, body: object = None, *, headers: Mapping[str, str] | None = None) -> Body:
        return self._ask("POST", path, json=body, headers=headers)

    def put(self, path: str, body: object) -> Body:
        return self._ask("PUT", path, json=body)

    def patch(self, path: str, body: object) -> Body:
        return self._ask("PATCH", path, json=body)

    def delete(self, path: str) -> None:
        self._ask("DELETE", path)

    def every(self, path: str, **query: str | None) -> Iterator[Body]:
        """All items of a list, page by page."""
        after: str | None = None
        while True:
            page = self.get(path, **query, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def upload(self, path: str, pieces: Iterator[bytes], *, size: int) -> Body:
        headers = {"content-type": "application/gzip", "content-length": str(size)}
        return self._ask("POST", path, content=pieces, headers=headers)

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str], *, body: object = None) -> Iterator["httpx.Response"]:
        """An answer that is read as it comes. With a body it is a POST."""
        method = "GET" if body is None else "POST"
        with self._reachable(), self._http.stream(method, path, headers=headers, json=body) as response:
            if response.is_error:
                response.read()
                raise _error_of(response)
            yield response

    def _ask(self, method: str, path: str, **request: Any) -> Body:  # noqa: ANN401 - httpx's own parameters
        with self._reachable():
            response = self._http.request(method, path, **request)
        if response.is_error:
            raise _error_of(response)
        if not response.content:
            return {}
        if not response.headers.get("content-type", "").startswith("application/json"):
            raise Unavailable(f"What answers at {self.url} is not Bakery.", hint="Check the address.")
        body: Body = response.json()
        return body

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        import httpx

        try:
            yield
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise Unavailable(
                f"Bakery at {self.url} did not answer: {error}.",
                hint="Is the address right, and does Bakery run there?",
            ) from error


def connect() -> Api:
    """To the Bakery of the environment, or of the last `bakery login`."""
    context = the_context()
    return Api(context.url, context.token)


def the_context() -> Context:
    return read_context(os.environ, context_path(Path.home()))


def path(*segments: str | int, env: str | None = None) -> str:
    """`/apps/shop`, whatever is in the segments. What would lead to another address is no name."""
    for segment in segments:
        if segment in {"", ".", ".."} or "/" in str(segment):
            raise BadInput(f"“{segment}” is not a name.")
    joined = "".join(f"/{quote(str(segment), safe='')}" for segment in segments)
    return joined if env is None else f"{joined}?env={quote(env, safe='')}"


def _given(query: Mapping[str, str | int | None]) -> dict[str, str | int]:
    return {name: value for name, value in query.items() if value is not None}


def _error_of(response: "httpx.Response") -> BakeryError:
    status = response.status_code
    is_problem = response.headers.get("content-type", "").startswith("application/problem+json")
    problem = response.json() if is_problem else {}
    text = problem.get("detail") or f"The answer was {status} {response.reason_phrase}."
    hint = problem.get("hint", "")
    if status in {400, 422}:
        return BadInput(text, field=problem.get("field", ""), hint=hint)
    if status == 429:
        return TooMany(text, retry_after=_seconds(response), hint=hint)
    if status in {502, 503, 504}:
        return Unavailable(text, retry_after=_seconds(response), hint=hint)
    return _ERRORS.get(status, BakeryError)(text, hint=hint)


def _seconds(response: "httpx.Response") -> int:
    text = response.headers.get("retry-after", "")
    return int(text) if text.isascii() and text.isdigit() else 2
