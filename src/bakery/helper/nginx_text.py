"""nginx: the text of the files that it reads, made from checked values; and what it says, understood.

Every value goes through `quoted`, the one function that knows nginx's rules for strings, unless its form leaves nothing
to quote: names, host names and ports.
"""

from __future__ import annotations

import re
import sys
from pathlib import PurePath

from bakery.helper.words import hinted

_LISTEN = re.compile(r"(?:^|[\s{;])listen\s+([^;]+);")
_NO_STRING = re.compile(r"[\x00-\x1f\x7f$]")


class Listen:
    """Where nginx accepts requests. `on_ipv6` adds the same port on all IPv6 addresses."""

    def __init__(self, port: int, address: str = "*", *, on_ipv6: bool = False) -> None:
        self.port, self.address, self.on_ipv6 = port, address, on_ipv6

    def lines(self, suffix: str = "") -> str:
        addresses = [self.address, "[::]"] if self.on_ipv6 else [self.address]
        return "".join(f"    listen {address}:{self.port}{suffix};\n" for address in addresses)


class AccessLog:
    """Where requests are noted, and as whose: a release has a number, and may be in a slot."""

    def __init__(self, folder: PurePath, release: int, slot: str | None) -> None:
        self.folder, self.release, self.slot = folder, release, slot

    def lines(self, name: str) -> str:
        return f"""\
    set $bakery_release "{self.release}";
    set $bakery_slot "{self.slot or ""}";
    access_log {quoted(str(self.folder / f"{name}.access.json"))} bakery;
"""


class SiteText:
    """What a site's options say, by where it stands: `outside` of its servers, in each `server` of it, in the
    `location` of all that is no redirect; `timeouts` and `replaced` are of an app that listens. `moved` are host names
    that lead to others of the site."""

    def __init__(
        self, *, outside: str, server: str, location: str, timeouts: str, replaced: str, moved: dict[str, str]
    ) -> None:
        self.outside, self.server, self.location = outside, server, location
        self.timeouts, self.replaced, self.moved = timeouts, replaced, moved


def render_proxy(name: str, hosts: list[str], port: int, *, listen: Listen, log: AccessLog, said: SiteText) -> str:
    """Requests go to an app that listens on this machine."""
    upstream = _UPSTREAM.format(name=name, port=port)
    body = _PROXY.format(name=name, location=said.location, timeouts=said.timeouts, replaced=said.replaced)
    return f"{_WRITTEN_BY_BAKERY}\n{upstream}{_servers(name, hosts, body, listen, log, said)}"


def render_static(
    name: str, hosts: list[str], folder: PurePath, *, home: PurePath, listen: Listen, log: AccessLog, said: SiteText
) -> str:
    """Requests are answered with the files of a folder, and no link below `home` is followed: an app made those."""
    body = _STATIC.format(folder=quoted(str(folder)), links=quoted(f"from={home}"), location=said.location)
    return f"{_WRITTEN_BY_BAKERY}\n{_servers(name, hosts, body, listen, log, said)}"


def render_catch_all(listen: Listen) -> str:
    """For requests that name no site of ours: they never reach an app by accident."""
    return f"""\
{_WRITTEN_BY_BAKERY}
server {{
{listen.lines(" default_server")}    server_name _;
    access_log off;
    default_type text/plain;
    return 404 "There is no app at this address.\\n";
}}
"""


def render_settings(sites: PurePath) -> str:
    """What all sites share, for the http block; with it nginx reads the sites."""
    if re.search(r"[*?\[]", str(sites)):
        sentence = f"nginx cannot include files below “{sites}”."
        sys.exit(hinted(sentence, "Use a folder whose path is free of *, ? and [."))
    return f"""\
{_WRITTEN_BY_BAKERY}
# A host name of 253 characters has to fit.
server_names_hash_bucket_size 512;

map $http_upgrade $bakery_connection {{
    default upgrade;
    ""      "";
}}

# The path without the query, which may hold secrets.
map $request_uri $bakery_path {{
    "~^(?<bakery_before_query>[^?]*)" $bakery_before_query;
}}

# Each site sets its own.
map "" $bakery_release {{
    default "";
}}
map "" $bakery_slot {{
    default "";
}}

log_format bakery escape=json
    '{{"at":"$msec","id":"$request_id","release":"$bakery_release","slot":"$bakery_slot","client":"$remote_addr",'
    '"host":"$host","method":"$request_method","path":"$bakery_path","status":"$status","bytes":"$body_bytes_sent",'
    '"seconds":"$request_time","upstream":"$upstream_addr","first_byte_seconds":"$upstream_header_time",'
    '"upstream_seconds":"$upstream_response_time","agent":"$http_user_agent"}}';

include {quoted(str(sites / "*.conf"))};
"""


def render_own_main_file(home: PurePath, *, settings_file: PurePath, mime_types: PurePath) -> str:
    """The whole configuration of an nginx that an ordinary user runs below `home`, which may not write elsewhere."""
    return f"""\
{_WRITTEN_BY_BAKERY}
worker_processes auto;
pid {quoted(str(home / "nginx.pid"))};
error_log {quoted(str(home / "error.log"))};

events {{
    worker_connections 1024;
}}

http {{
    include {quoted(str(mime_types))};
    default_type application/octet-stream;
    sendfile on;
    access_log off;
    client_body_temp_path {quoted(str(home / "temp/body"))};
    proxy_temp_path {quoted(str(home / "temp/proxy"))};
    fastcgi_temp_path {quoted(str(home / "temp/fastcgi"))};
    uwsgi_temp_path {quoted(str(home / "temp/uwsgi"))};
    scgi_temp_path {quoted(str(home / "temp/scgi"))};
    include {quoted(str(settings_file))};
}}
"""


def foreign_default_servers(dump: str, *, port: int, ours: PurePath) -> list[str]:
    """The files outside `ours` in which `nginx -T` shows a default server for this port."""
    found, current = {}, ""
    for line in dump.splitlines():
        file = re.fullmatch(r"# configuration file (.+):", line)
        if file:
            current = file[1]
        elif any(_is_default_for(listen.split(), port) for listen in _LISTEN.findall(line.partition("#")[0])):
            found[current] = True
    return [file for file in found if PurePath(file).parent != ours]


def files_read(dump: str) -> set[str]:
    """The files that nginx read, as `nginx -T` names them."""
    return set(re.findall(r"^# configuration file (.+):$", dump, flags=re.MULTILINE))


def complaint_in(output: str) -> str:
    """What nginx found wrong, with the file and the line, without the marks that it puts before."""
    lines: list[str] = re.findall(r"\[emerg\](?: \d+#\d+:)? (.+)", output)
    return lines[0] if lines else output.strip()


def quoted(text: str) -> str:
    """A string as nginx reads it. A dollar sign always begins a variable there, so a value cannot hold one."""
    if _NO_STRING.search(text):
        sentence = f"“{text}” cannot be written into a file of nginx."
        sys.exit(hinted(sentence, "Use a path without dollar signs and control characters."))
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_WRITTEN_BY_BAKERY = "# Written by Bakery. Changes here are lost with the next deployment."
# Node and uvicorn close an idle connection after 5 s: ours has to be the shorter, or a request meets a closed one.
_UPSTREAM = """\
upstream bakery-{name} {{
    server 127.0.0.1:{port};
    keepalive 16;
    keepalive_timeout 4s;
}}

"""
# Not buffered, so that server-sent events arrive as they are written. The client's address replaces what it claims.
_PROXY = """\

    location / {{
{location}        proxy_pass http://bakery-{name};
        proxy_http_version 1.1;
        proxy_buffering off;
{timeouts}{replaced}        proxy_set_header Host $http_host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $bakery_connection;
        proxy_set_header X-Request-Id $request_id;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Host $http_host;
        proxy_set_header X-Forwarded-Port $server_port;
        proxy_set_header Forwarded "";
        proxy_set_header Proxy "";
    }}
"""
_MOVED = """\

    location / {{
        return 301 $scheme://{target}$request_uri;
    }}
"""
# .git or .env are no pages.
_STATIC = """\
    root {folder};
    disable_symlinks on {links};
    index index.html;
    error_page 404 /404.html;

    location / {{
{location}        try_files $uri $uri/ $uri.html =404;
    }}

    location ~ /\\.(?!well-known/) {{
        return 404;
    }}
"""


def _servers(name: str, hosts: list[str], body: str, listen: Listen, log: AccessLog, said: SiteText) -> str:
    own = [host for host in hosts if host not in said.moved]
    moved = "".join(
        "\n" + _server(name, [host], _MOVED.format(target=target), listen, log)
        for host, target in sorted(said.moved.items())
    )
    return said.outside + _server(name, own, said.server + body, listen, log) + moved


def _server(name: str, hosts: list[str], body: str, listen: Listen, log: AccessLog) -> str:
    return f"""\
server {{
{listen.lines()}    server_name {" ".join(hosts)};
{log.lines(name)}{body}}}
"""


def _is_default_for(words: list[str], port: int) -> bool:
    address, *options = words
    its_port = address.rpartition(":")[2] if ":" in address.rpartition("]")[2] else address
    return ("default_server" in options or "default" in options) and its_port == str(port)
