"""A site's options as text of nginx, and as the files that it refers to."""

from __future__ import annotations

import hashlib
import html
import re
from pathlib import PurePath

from bakery.helper.nginx_text import SiteText, quoted
from bakery.helper.site_options import Redirect, SiteOptions

COMPRESSED = (
    "text/plain text/css text/javascript text/xml text/markdown text/csv application/javascript application/json "
    "application/ld+json application/manifest+json application/xml application/rss+xml application/atom+xml "
    "application/wasm font/ttf font/otf image/svg+xml image/x-icon"
)
USUAL_TEXT = "We will be back in a moment."
MAINTENANCE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Under maintenance</title>
<style>body{{font:18px/1.5 system-ui,sans-serif;max-width:34em;margin:18vh auto;padding:0 1.5em;color:#222}}
@media(prefers-color-scheme:dark){{body{{background:#161616;color:#ddd}}}}p{{white-space:pre-line}}</style></head>
<body><h1>Under maintenance</h1><p>{text}</p></body></html>
"""
HOUR = 3600


class SiteFiles:
    """What lies beside a site for it. Each is named by what is in it: who wrote the old text has the old files."""

    def __init__(self, folder: PurePath, name: str) -> None:
        self.folder, self.name = folder, name
        self.open: dict[str, str] = {}
        self.closed: dict[str, str] = {}  # for nginx alone

    def page(self, text: str) -> str:
        return self._add(self.open, text, "html")

    def passwords(self, text: str) -> str:
        return self._add(self.closed, text, "users")

    def _add(self, files: dict[str, str], text: str, kind: str) -> str:
        name = f"{self.name}.{hashlib.sha256(text.encode()).hexdigest()[:16]}.{kind}"
        files[name] = text
        return quoted(str(self.folder / name))


def site_text(options: SiteOptions, hosts: list[str], files: SiteFiles) -> SiteText:
    """`files` takes what is to be written for it. Hosts that lead to others are not among the site's any more."""
    key = files.name.replace("-", "_")  # which no name holds, so no two are the same
    return SiteText(
        outside=_who_is_let_in(options, key) + _who_is_counted(options, files.name, key),
        server=_upload(options) + _gzip(options) + _headers(options) + _pages(options, files) + _redirects(options),
        location=_closed(options, key) + _rate(options, files.name) + _users(options, files),
        timeouts=_timeouts(options),
        replaced=_replaced(options),
        moved=moved_hosts(options.www, hosts),
    )


def moved_hosts(www: str, hosts: list[str]) -> dict[str, str]:
    """Which leads where: only to one that the site has too."""
    pairs = [(host, f"www.{host}") for host in hosts if f"www.{host}" in hosts]
    if www == "to-bare":
        return {longer: bare for bare, longer in pairs}
    return dict(pairs) if www == "to-www" else {}


def _who_is_let_in(options: SiteOptions, key: str) -> str:
    if not options.maintenance:
        return ""
    allowed = dict.fromkeys(("127.0.0.1/32", "::1/128", *options.maintenance_allowed))
    networks = "".join(f"    {network} 0;\n" for network in allowed)
    return f"geo $bakery_closed_{key} {{\n    default 1;\n{networks}}}\n\n"


def _who_is_counted(options: SiteOptions, name: str, key: str) -> str:
    """Each client by its address, in IPv6 by its network; the machine itself, as whoever looks from it, is not."""
    if not options.rate:
        return ""
    return f"""\
map $binary_remote_addr $bakery_client_{key} {{
    default $binary_remote_addr;
    "~^(?s)(?<bakery_net_{key}>.{{8}}).{{8}}$" $bakery_net_{key};
}}
map $remote_addr $bakery_counted_{key} {{
    default $bakery_client_{key};
    "127.0.0.1" "";
    "::1" "";
}}
limit_req_zone $bakery_counted_{key} zone=bakery-{name}:1m rate={options.rate}r/s;

"""


def _upload(options: SiteOptions) -> str:
    return f"    client_max_body_size {options.upload_mb}m;\n"


def _gzip(options: SiteOptions) -> str:
    """Not of server-sent events, which would wait in it."""
    if not options.gzip:
        return "    gzip off;\n"
    return f"""\
    gzip on;
    gzip_vary on;
    gzip_proxied any;
    gzip_min_length 1024;
    gzip_types {COMPRESSED};
"""


def _headers(options: SiteOptions) -> str:
    return "".join(f"    add_header {name} {quoted(value)} always;\n" for name, value in options.headers)


def _replaced(options: SiteOptions) -> str:
    """Ours come instead of the app's."""
    names = dict.fromkeys(name for name, _ in options.headers)
    if options.hsts_days:
        names["Strict-Transport-Security"] = None
    return "".join(f"        proxy_hide_header {name};\n" for name in names)


def _pages(options: SiteOptions, files: SiteFiles) -> str:
    pages = dict(options.pages)
    if options.maintenance:
        pages["503"] = MAINTENANCE.format(text=html.escape(options.maintenance_text or USUAL_TEXT))
    instead = "    proxy_intercept_errors on;\n" if options.pages else ""
    return instead + "".join(_page(status, files.page(text)) for status, text in sorted(pages.items()))


def _page(status: str, file: str) -> str:
    return f"""\
    error_page {status} /.bakery/{status}.html;
    location = /.bakery/{status}.html {{
        internal;
        disable_symlinks off;
        charset utf-8;
        alias {file};
    }}
"""


def _redirects(options: SiteOptions) -> str:
    exact = {one.path for one in options.redirects if not one.is_prefix}
    return "".join(
        _below(one, is_alone=one.path[:-1] not in exact) if one.is_prefix else _exactly(one)
        for one in options.redirects
    )


def _exactly(redirect: Redirect) -> str:
    more = "" if "?" in redirect.target else "$is_args$args"
    return f"""\
    location = {quoted(redirect.path)} {{
        return {redirect.status} {_target(redirect.target, more)};
    }}
"""


def _below(redirect: Redirect, *, is_alone: bool) -> str:
    """What follows is taken as it was sent, for decoded it could hold the end of a header."""
    path = re.sub(r"([.+])", r"[\1]", redirect.path)
    itself = _exactly(Redirect(redirect.path[:-1], redirect.target, redirect.status, is_prefix=False))
    return f"""\
    location ^~ {quoted(redirect.path)} {{
        if ($request_uri ~ "^{path}(?<bakery_rest>.*)$") {{
            return {redirect.status} {_target(redirect.target, "$bakery_rest")};
        }}
        return {redirect.status} {_target(redirect.target, "")};
    }}
""" + (itself if is_alone and redirect.path[:-1] else "")


def _target(target: str, variables: str) -> str:
    return f'{quoted(target)[:-1]}{variables}"'


def _closed(options: SiteOptions, key: str) -> str:
    return f"        if ($bakery_closed_{key}) {{\n            return 503;\n        }}\n" if options.maintenance else ""


def _rate(options: SiteOptions, name: str) -> str:
    if not options.rate:
        return ""
    burst = f" burst={options.burst} nodelay" if options.burst else ""
    return f"        limit_req zone=bakery-{name}{burst};\n        limit_req_status 429;\n"


def _users(options: SiteOptions, files: SiteFiles) -> str:
    if not options.users:
        return ""
    lines = "".join(f"{name}:{hashed}\n" for name, hashed in sorted(options.users.items()))
    return f'        auth_basic "Restricted";\n        auth_basic_user_file {files.passwords(lines)};\n'


def _timeouts(options: SiteOptions) -> str:
    return f"""\
        proxy_connect_timeout {_seconds(options.connect_seconds)};
        proxy_read_timeout {_seconds(options.read_seconds)};
        proxy_send_timeout {_seconds(options.send_seconds)};
"""


def _seconds(seconds: int) -> str:
    return f"{seconds}s" if seconds % HOUR else f"{seconds // HOUR}h"
