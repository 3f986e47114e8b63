"""The static files, read once: known names only, an address that changes with the content, compressed beforehand."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from litestar import Response, get
from litestar.exceptions import NotFoundException

from bakery.model.permissions import Permission
from bakery.web.context import WebRequest

FOLDER = Path(__file__).parent / "static"
# Those of every page are one file to a browser, which asks for six at a time and paints nothing before it has them all.
_OF_EVERY_PAGE = "bakery.css"
_SHEETS = ("tokens", "base", "shell", "components", "tables", "forms", "overlays", "pages")
_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    media_type: str
    version: str
    compressed: bytes


def read_assets(folder: Path = FOLDER) -> dict[str, Asset]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in _TYPES:
            found[path.relative_to(folder).as_posix()] = _asset(path.suffix, path.read_bytes())
    sheets = [(folder / f"{name}.css").read_bytes() for name in _SHEETS]
    return {**found, _OF_EVERY_PAGE: _asset(".css", b"\n".join(sheets))}


def _asset(suffix: str, data: bytes) -> Asset:
    version = hashlib.sha256(data).hexdigest()[:12]
    return Asset(_TYPES[suffix], version, gzip.compress(data, mtime=0))


@get("/static/{name:path}", opt={"permission": Permission.PUBLIC}, include_in_schema=False)
async def serve_asset(request: WebRequest, name: str) -> Response[bytes]:
    assets: dict[str, Asset] = request.app.state["assets"]
    asset = assets.get(name.lstrip("/"))
    if asset is None:
        raise NotFoundException
    is_lasting = request.query_params.get("v") == asset.version
    caching = "public, max-age=31536000, immutable" if is_lasting else "no-cache"
    headers = {"cache-control": caching, "etag": f'"{asset.version}"', "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == f'"{asset.version}"':
        return Response(b"", status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.compressed, media_type=asset.media_type, headers={**headers, "content-encoding": "gzip"})
    return Response(gzip.decompress(asset.compressed), media_type=asset.media_type, headers=headers)
