"""Every address that a page shows: below the configured prefix, and never to another site."""

from collections.abc import Callable
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from bakery.model.names import PRODUCTION, AppAt
from bakery.web.assets import Asset
from bakery.web.context import Parts, WebRequest


class Addresses:
    """Made once; follows the general settings as they change."""

    def __init__(self, parts: Parts, assets: dict[str, Asset]) -> None:
        self._parts = parts
        self._assets = assets

    def url(self, path: str, **query: str | int | None) -> str:
        given = {name: value for name, value in query.items() if value not in {None, ""}}
        return f"{self._parts.general.prefix}{quote(path, safe='/?&=%:,@-._~')}" + (
            f"?{urlencode(given)}" if given else ""
        )

    def within(self, where: AppAt) -> Callable[..., str]:
        """Like `url`; an address at or below that of an app names the environment too."""
        if where.environment == PRODUCTION:
            return self.url
        place = f"/apps/{where.app}"

        def url(path: str, **query: str | int | None) -> str:
            plain, anchor, part = path.partition("#")
            if plain != place and not plain.startswith((f"{place}/", f"{place}?")):
                return self.url(path, **query)
            joint = "&" if "?" in plain else "?"
            return self.url(f"{plain}{joint}env={where.environment}", **query) + f"{anchor}{part}"

        return url

    def static(self, name: str) -> str:
        return f"{self._parts.general.prefix}/static/{name}?v={self._assets[name].version}"

    def absolute(self, path: str, request: WebRequest) -> str:
        """For links that leave the browser: by the base URL, else by the host that was asked for and checked."""
        base = self._parts.general.base_url or str(request.scope["state"]["origin"])
        return f"{base}{path}"

    def login_for(self, request: WebRequest) -> str:
        """To sign in, and then to where the person wanted to go."""
        wanted = wanted_by(request)
        return self.url("/login", next=None if wanted == "/" else wanted)


def below(address: str, more: str) -> str:
    """An address further down than another, which may have a query."""
    path, joint, query = address.partition("?")
    further, anchor, part = more.partition("#")
    return f"{path}{further}{joint}{query}{anchor}{part}"


def query_of(address: str, name: str) -> str:
    """What an address says of it; empty where it says nothing."""
    return dict(parse_qsl(urlsplit(address).query)).get(name, "")


def wanted_by(request: WebRequest) -> str:
    """The page that a GET asks for, as a path of ours."""
    path: str = request.scope["path"]
    query = request.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def local_path(text: str) -> str:
    """Where to go on after signing in: a path of ours, or the dashboard."""
    is_local = text.startswith("/") and not text.startswith("//") and "\\" not in text
    return text if is_local and text.isprintable() else "/"
