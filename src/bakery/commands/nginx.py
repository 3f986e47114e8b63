"""nginx: the text of the files that it reads, rendered from typed values.

Every value goes through `_quoted`, the one function that knows nginx's rules for strings.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from bakery.model.errors import BadInput
from bakery.model.names import HostName, Port, SiteName

_LISTEN = re.compile(r"(?:^|[\s{;])listen\s+([^;]+);")
_NO_STRING = re.compile(r"[\x00-\x1f\x7f$]")


@dataclass(frozen=True, slots=True)
class Listen:
    """Where nginx accepts requests. `on_ipv6` adds the same port on all IPv6 addresses."""

    port: Port
    address: str = "*"
    on_ipv6: bool = False


@dataclass(frozen=True, slots=True)
class ProxySite:
    """Requests go to an app that listens on this machine."""

    name: SiteName
    hosts: tuple[HostName, ...]
    upstream: Port


@dataclass(frozen=True, slots=True)
class StaticSite:
    """Requests are answered with the files of a folder."""

    name: SiteName
    hosts: tuple[HostName, ...]
    root: PurePosixPath


def render_site(site: ProxySite | StaticSite, *, listen: Listen, log_folder: PurePosixPath) -> str:
    match site:
        case ProxySite():
            before, body = _upstream(site), _PROXY.format(upstream=_upstream_name(site))
        case StaticSite():
            before, body = "", _STATIC.format(root=_quoted(str(site.root)))
    return f"""\
{_WRITTEN_BY_BAKERY}
{before}server {{
{_listen(listen)}    server_name {" ".join(site.hosts)};
    access_log {_quoted(str(log_folder / f"{site.name}.access.json"))} bakery;
{body}}}
"""


def render_catch_all(listen: Listen) -> str:
    """For requests that name no site of ours: they never reach an app by accident."""
    return f"""\
{_WRITTEN_BY_BAKERY}
server {{
{_listen(listen, suffix=" default_server")}    server_name _;
    access_log off;
    default_type text/plain;
    return 404 "There is no app at this address.\\n";
}}
"""


def render_settings(sites: PurePosixPath) -> str:
    """What all sites share, for the http block; with it nginx reads the sites."""
    if re.search(r"[*?\[]", str(sites)):
        raise BadInput(
            f"nginx cannot include files below “{sites}”.",
            field="folder",
            hint="Use a folder whose path is free of *, ? and [.",
        )
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

log_format bakery escape=json
    '{{"at":"$msec","id":"$request_id","client":"$remote_addr","host":"$host","method":"$request_method",'
    '"path":"$bakery_path","status":"$status","bytes":"$body_bytes_sent","seconds":"$request_time",'
    '"upstream":"$upstream_addr","upstream_seconds":"$upstream_response_time","agent":"$http_user_agent"}}';

include {_quoted(str(sites / "*.conf"))};
"""


def render_own_nginx(home: PurePosixPath, *, settings: PurePosixPath, mime_types: PurePosixPath) -> str:
    """The whole configuration of an nginx that an ordinary user runs below `home`, which may not write elsewhere."""
    return f"""\
{_WRITTEN_BY_BAKERY}
worker_processes auto;
pid {_quoted(str(home / "nginx.pid"))};
error_log {_quoted(str(home / "error.log"))};

events {{
    worker_connections 1024;
}}

http {{
    include {_quoted(str(mime_types))};
    default_type application/octet-stream;
    sendfile on;
    access_log off;
    client_body_temp_path {_quoted(str(home / "temp/body"))};
    proxy_temp_path {_quoted(str(home / "temp/proxy"))};
    fastcgi_temp_path {_quoted(str(home / "temp/fastcgi"))};
    uwsgi_temp_path {_quoted(str(home / "temp/uwsgi"))};
    scgi_temp_path {_quoted(str(home / "temp/scgi"))};
    include {_quoted(str(settings))};
}}
"""


def foreign_default_servers(dump: str, *, port: Port, ours: PurePosixPath) -> tuple[str, ...]:
    """The files outside `ours` in which `nginx -T` shows a default server for this port."""
    found = []
    current = ""
    for line in dump.splitlines():
        if file := re.fullmatch(r"# configuration file (.+):", line):
            current = file[1]
        elif any(_is_default_for(listen.split(), port) for listen in _LISTEN.findall(line.partition("#")[0])):
            found.append(current)
    return tuple(dict.fromkeys(file for file in found if PurePosixPath(file).parent != ours))


def files_read(dump: str) -> frozenset[str]:
    """The files that nginx read, as `nginx -T` names them."""
    return frozenset(re.findall(r"^# configuration file (.+):$", dump, flags=re.MULTILINE))


def complaint(output: str) -> str:
    """What nginx found wrong, with the file and the line, without the marks that it puts before."""
    lines = re.findall(r"\[emerg\](?: \d+#\d+:)? (.+)", output)
    return lines[0] if lines else output.strip()


_WRITTEN_BY_BAKERY = "# Written by Bakery. Changes here are lost with the next deployment."
# Node and uvicorn close an idle connection after 5 s: ours has to be the shorter, or a request meets a closed one.
_UPSTREAM = """\
upstream {name} {{
    server 127.0.0.1:{port};
    keepalive 16;
    keepalive_timeout 4s;
}}

"""
# Not buffered, so that server-sent events arrive as they are written. The client's address replaces what it claims.
_PROXY = """\
    client_max_body_size 100m;

    location / {{
        proxy_pass http://{upstream};
        proxy_http_version 1.1;
        proxy_buffering off;
        proxy_connect_timeout 5s;
        proxy_read_timeout 1h;
        proxy_send_timeout 1h;
        proxy_set_header Host $http_host;
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
# A link in a repository must not lead out of it, and .git or .env are no pages.
_STATIC = """\
    root {root};
    disable_symlinks on from=$document_root;
    index index.html;
    error_page 404 /404.html;

    location / {{
        try_files $uri $uri/ $uri.html =404;
    }}

    location ~ /\\.(?!well-known/) {{
        return 404;
    }}
"""


def _upstream(site: ProxySite) -> str:
    return _UPSTREAM.format(name=_upstream_name(site), port=site.upstream)


def _upstream_name(site: ProxySite) -> str:
    return f"bakery-{site.name}"


def _listen(listen: Listen, suffix: str = "") -> str:
    lines = [f"    listen {listen.address}:{listen.port}{suffix};\n"]
    if listen.on_ipv6:
        lines.append(f"    listen [::]:{listen.port}{suffix};\n")
    return "".join(lines)


def _is_default_for(words: list[str], port: Port) -> bool:
    address, *options = words
    its_port = address.rpartition(":")[2] if ":" in address.rpartition("]")[2] else address
    return ("default_server" in options or "default" in options) and its_port == str(port)


def _quoted(text: str) -> str:
    """A string as nginx reads it. A dollar sign always begins a variable there, so a value cannot hold one."""
    if _NO_STRING.search(text):
        raise BadInput(
            f"“{text}” cannot be written into a file of nginx.",
            field="folder",
            hint="Use a path without dollar signs and control characters.",
        )
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
