"""nginx: the text of the files that it reads, made from checked values.

Every value goes through `quoted`, the one function that knows nginx's rules for strings, unless its form leaves nothing
to quote: names, host names and ports.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import PurePath

from bakery.helper.nginx_seal import WRITTEN_BY_BAKERY
from bakery.helper.words import hinted

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


class Tls:
    """Where nginx accepts TLS, and with what: each certificate has the hosts of the site that it is shown to, its chain
    and its key. `is_forced`: who comes to one of these by HTTP is led here. `hsts_days` are told to browsers."""

    def __init__(
        self,
        listen: Listen | None,
        certificates: Sequence[tuple[list[str], PurePath, PurePath]],
        *,
        is_forced: bool,
        hsts_days: int,
    ) -> None:
        self.listen, self.is_forced, self.hsts_days = listen, is_forced, hsts_days
        self.certificates = certificates if listen else ()

    def has(self, host: str) -> bool:
        return any(host in hosts for hosts, _, _ in self.certificates)

    def lines(self, chain: PurePath, key: PurePath) -> str:
        hsts = f'    add_header Strict-Transport-Security "max-age={self.hsts_days * _DAY}" always;\n'
        return f"""\
    ssl_certificate {quoted(str(chain))};
    ssl_certificate_key {quoted(str(key))};
{_TLS}{hsts if self.hsts_days else ""}"""


class SiteText:
    """What a site's options say, by where it stands: `outside` of its servers, in each `server` of it, in the
    `location` of all that is no redirect; `timeouts` and `replaced` are of an app that listens. `moved` are host names
    that lead to others of the site."""

    def __init__(
        self, *, outside: str, server: str, location: str, timeouts: str, replaced: str, moved: dict[str, str]
    ) -> None:
        self.outside, self.server, self.location = outside, server, location
        self.timeouts, self.replaced, self.moved = timeouts, replaced, moved


class Place:
    """Where nginx accepts requests for a site, how it notes them, and where it finds what proves a name to an
    authority."""

    def __init__(self, listen: Listen, log: AccessLog, webroot: PurePath, tls: Tls) -> None:
        self.listen, self.log, self.webroot, self.tls = listen, log, webroot, tls


def render_proxy(name: str, hosts: list[str], port: int, *, at: Place, said: SiteText) -> str:
    """Requests go to an app that listens on this machine."""
    upstream = _UPSTREAM.format(name=name, port=port)
    body = _PROXY.format(name=name, location=said.location, timeouts=said.timeouts, replaced=said.replaced)
    return f"{WRITTEN_BY_BAKERY}\n{upstream}{_servers(name, hosts, body, at, said)}"


def render_static(name: str, hosts: list[str], folder: PurePath, *, home: PurePath, at: Place, said: SiteText) -> str:
    """Requests are answered with the files of a folder, and no link below `home` is followed: an app made those."""
    body = _STATIC.format(folder=quoted(str(folder)), links=quoted(f"from={home}"), location=said.location)
    return f"{WRITTEN_BY_BAKERY}\n{_servers(name, hosts, body, at, said)}"


def render_catch_all(listen: Listen, webroot: PurePath) -> str:
    """For requests that name no site of ours: they never reach an app by accident. An authority may ask for a name
    before its app is there."""
    return f"""\
{WRITTEN_BY_BAKERY}
server {{
{listen.lines(" default_server")}    server_name _;
    access_log off;
    default_type text/plain;
{_challenges(webroot)}
    location / {{
        return 404 "There is no app at this address.\\n";
    }}
}}
"""


def render_catch_all_tls(listen: Listen, instead: tuple[PurePath, PurePath] | None) -> str:
    """For names without a certificate: nobody is shown that of another app. `instead` is one for no name at all, for an
    nginx that does not know how to end a handshake."""
    refused = "    ssl_reject_handshake on;\n"
    if instead:
        chain, key = (quoted(str(path)) for path in instead)
        refused = f"    ssl_certificate {chain};\n    ssl_certificate_key {key};\n    return 444;\n"
    return f"""\
{WRITTEN_BY_BAKERY}
server {{
{listen.lines(" ssl http2 default_server")}    server_name _;
    access_log off;
{_TLS}{refused}}}
"""


def render_own_site(host: str, port: int, *, listen: Listen, webroot: PurePath, tls: Tls) -> str:
    """Requests go to Bakery itself. It limits what is sent to it, and keeps what it sends open, by itself. With a
    certificate, who comes by HTTP is led to HTTPS."""
    proxied = _OWN.format(port=port)
    by_http = proxied
    if tls.has(host):
        by_http = _MOVED.format(address=f"https://$host{_port(tls.listen, _HTTPS_PORT)}")
    servers = [_own_server(host, listen.lines(), _challenges(webroot) + by_http)]
    for _, chain, key in tls.certificates:
        secured = tls.listen.lines(" ssl http2") if tls.listen else ""
        servers.append(_own_server(host, secured, tls.lines(chain, key) + proxied))
    return f"{WRITTEN_BY_BAKERY}\n" + "\n".join(servers)


def _own_server(host: str, listen: str, body: str) -> str:
    return f"""\
server {{
{listen}    server_name {host};
    access_log off;
    client_max_body_size 0;
{body}}}
"""


_OWN = """\

    location / {{
        proxy_pass http://127.0.0.1:{port};
        proxy_http_version 1.1;
        proxy_buffering off;
        proxy_request_buffering off;
        proxy_read_timeout 1h;
        proxy_send_timeout 1h;
        proxy_set_header Host $http_host;
        proxy_set_header Connection "";
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Real-IP "";
        proxy_set_header Forwarded "";
    }}
"""


def render_settings(sites: PurePath) -> str:
    """What all sites share, for the http block; with it nginx reads the sites."""
    if re.search(r"[*?\[]", str(sites)):
        sentence = f"nginx cannot include files below “{sites}”."
        sys.exit(hinted(sentence, "Use a folder whose path is free of *, ? and [."))
    return f"""\
{WRITTEN_BY_BAKERY}
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
{WRITTEN_BY_BAKERY}
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


def quoted(text: str) -> str:
    """A string as nginx reads it. A dollar sign always begins a variable there, so a value cannot hold one."""
    if _NO_STRING.search(text):
        sentence = f"“{text}” cannot be written into a file of nginx."
        sys.exit(hinted(sentence, "Use a path without dollar signs and control characters."))
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


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
        return 301 {address}$request_uri;
    }}
"""
_CHALLENGES = """\

    location ^~ /.well-known/acme-challenge/ {{
        disable_symlinks off;
        default_type text/plain;
        root {webroot};
    }}
"""
_DAY = 24 * 3600
_HTTP_PORT, _HTTPS_PORT = 80, 443
# What all browsers of these years can, and nothing that was broken.
_TLS = """\
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:\
ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;
    ssl_prefer_server_ciphers off;
    ssl_session_cache shared:bakery:10m;
    ssl_session_timeout 1d;
    ssl_session_tickets off;
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


def _servers(name: str, hosts: list[str], body: str, at: Place, said: SiteText) -> str:
    """Those for HTTP first, of which each tells what an authority asks for; then one for each certificate."""
    own, challenges = [host for host in hosts if host not in said.moved], _challenges(at.webroot)
    led = [host for host in own if at.tls.is_forced and at.tls.has(host)]
    plain = [host for host in own if host not in led]
    servers = [_server(name, plain, at.listen.lines(), said.server + challenges + body, at.log)] if plain else []
    if led:
        address = f"https://$host{_port(at.tls.listen, _HTTPS_PORT)}"
        servers.append(_server(name, led, at.listen.lines(), challenges + _MOVED.format(address=address), at.log))
    for host, target in sorted(said.moved.items()):
        address = _address(target, at, is_secure=at.tls.is_forced)
        servers.append(_server(name, [host], at.listen.lines(), challenges + _MOVED.format(address=address), at.log))
    for covered, chain, key in at.tls.certificates:
        listen, secured = at.tls.listen.lines(" ssl http2") if at.tls.listen else "", at.tls.lines(chain, key)
        if mine := [host for host in covered if host not in said.moved]:
            servers.append(_server(name, mine, listen, secured + said.server + body, at.log))
        for host in sorted(set(covered) & set(said.moved)):
            address = _address(said.moved[host], at, is_secure=True)
            servers.append(_server(name, [host], listen, secured + _MOVED.format(address=address), at.log))
    return said.outside + "\n".join(servers)


def _server(name: str, hosts: list[str], listen: str, body: str, log: AccessLog) -> str:
    return f"""\
server {{
{listen}    server_name {" ".join(hosts)};
{log.lines(name)}{body}}}
"""


def _challenges(webroot: PurePath) -> str:
    return _CHALLENGES.format(webroot=quoted(str(webroot)))


def _address(host: str, at: Place, *, is_secure: bool) -> str:
    if is_secure and at.tls.has(host):
        return f"https://{host}{_port(at.tls.listen, _HTTPS_PORT)}"
    return f"http://{host}{_port(at.listen, _HTTP_PORT)}"


def _port(listen: Listen | None, usual: int) -> str:
    return "" if listen is None or listen.port == usual else f":{listen.port}"
