import re
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakery.helper import nginx_said, nginx_text
from bakery.helper.nginx_text import AccessLog, Listen, Place, SiteText, Tls
from bakery.helper.site_options import SiteOptions
from bakery.helper.site_options_text import COMPRESSED, SiteFiles, site_text

LOG = AccessLog(PurePosixPath("/var/lib/bakery/node/logs"), 41, "blue")
LOG_OF_FILES = AccessLog(LOG.folder, 7, None)
HOME = PurePosixPath("/var/lib/bakery/node/apps/docs/production")
BOTH_FAMILIES = Listen(80, on_ipv6=True)
WEBROOT = PurePosixPath("/var/lib/bakery/node/certificates/webroot")
PLAIN = Tls(None, [], is_forced=False, hsts_days=0)
GZIP = f"""\
    gzip on;
    gzip_vary on;
    gzip_proxied any;
    gzip_min_length 1024;
    gzip_types {COMPRESSED};
"""


def test_a_proxied_site_in_full() -> None:
    text = nginx_text.render_proxy(
        "shop-production", ["shop.example", "www.shop.example"], 20001, at=at(BOTH_FAMILIES), said=said()
    )
    assert (
        text.replace(GZIP, "@GZIP@")
        == """\
# Written by Bakery. Changes here are lost with the next deployment.
upstream bakery-shop-production {
    server 127.0.0.1:20001;
    keepalive 16;
    keepalive_timeout 4s;
}

server {
    listen *:80;
    listen [::]:80;
    server_name shop.example www.shop.example;
    set $bakery_release "41";
    set $bakery_slot "blue";
    access_log "/var/lib/bakery/node/logs/shop-production.access.json" bakery;
    client_max_body_size 100m;
@GZIP@
    location ^~ /.well-known/acme-challenge/ {
        disable_symlinks off;
        default_type text/plain;
        root "/var/lib/bakery/node/certificates/webroot";
    }

    location / {
        proxy_pass http://bakery-shop-production;
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
    }
}
"""
    )


def test_a_static_site_in_full() -> None:
    folder, listen = HOME / 'my "docs"', Listen(8080, "127.0.0.1")
    text = nginx_text.render_static(
        "docs-production", ["docs.example"], folder, home=HOME, at=at(listen, LOG_OF_FILES), said=said()
    )
    assert (
        text.replace(GZIP, "@GZIP@")
        == r"""# Written by Bakery. Changes here are lost with the next deployment.
server {
    listen 127.0.0.1:8080;
    server_name docs.example;
    set $bakery_release "7";
    set $bakery_slot "";
    access_log "/var/lib/bakery/node/logs/docs-production.access.json" bakery;
    client_max_body_size 100m;
@GZIP@
    location ^~ /.well-known/acme-challenge/ {
        disable_symlinks off;
        default_type text/plain;
        root "/var/lib/bakery/node/certificates/webroot";
    }
    root "/var/lib/bakery/node/apps/docs/production/my \"docs\"";
    disable_symlinks on "from=/var/lib/bakery/node/apps/docs/production";
    index index.html;
    error_page 404 /404.html;

    location / {
        try_files $uri $uri/ $uri.html =404;
    }

    location ~ /\.(?!well-known/) {
        return 404;
    }
}
"""
    )


def test_the_catch_all_shows_no_app() -> None:
    assert (
        nginx_text.render_catch_all(BOTH_FAMILIES, WEBROOT)
        == r"""# Written by Bakery. Changes here are lost with the next deployment.
server {
    listen *:80 default_server;
    listen [::]:80 default_server;
    server_name _;
    access_log off;
    default_type text/plain;

    location ^~ /.well-known/acme-challenge/ {
        disable_symlinks off;
        default_type text/plain;
        root "/var/lib/bakery/node/certificates/webroot";
    }

    location / {
        return 404 "There is no app at this address.\n";
    }
}
"""
    )


def test_a_name_without_a_certificate_is_shown_none() -> None:
    listens = "    listen *:443 ssl http2 default_server;\n    listen [::]:443 ssl http2 default_server;\n"
    knows = nginx_text.render_catch_all_tls(Listen(443, on_ipv6=True), None)
    assert listens in knows
    assert "    ssl_reject_handshake on;\n" in knows
    nobodys = nginx_text.render_catch_all_tls(Listen(443), (WEBROOT / "chain.pem", WEBROOT / "key.pem"))
    assert "ssl_reject_handshake" not in nobodys
    assert f'    ssl_certificate "{WEBROOT}/chain.pem";\n' in nobodys
    assert "    return 444;\n" in nobodys


@given(st.text(min_size=1))
def test_no_folder_breaks_out_of_its_string(name: str) -> None:
    folder = PurePosixPath("/srv", name)
    try:
        text = nginx_text.render_static(
            "docs-production",
            ["docs.example"],
            folder,
            home=PurePosixPath("/srv"),
            at=at(BOTH_FAMILIES),
            said=said(),
        )
    except SystemExit:
        assert re.search(r"[\x00-\x1f\x7f$]", name)
    else:
        quoted = re.search(r'^    root ("(?:[^"\\]|\\.)*");$', text, flags=re.MULTILINE)
        assert quoted
        assert string_as_nginx_reads_it(quoted[1]) == str(folder)


def test_a_refused_value_is_told_with_what_to_do() -> None:
    with pytest.raises(SystemExit) as refused:
        nginx_text.quoted("/srv/$home")
    assert refused.value.code == (
        "“/srv/$home” cannot be written into a file of nginx.\n"
        "Hint: Use a path without dollar signs and control characters."
    )


@pytest.mark.parametrize("folder", ["/srv/a*", "/srv/[a]", "/srv/a?"])
def test_a_folder_that_nginx_would_take_for_a_pattern_is_refused(folder: str) -> None:
    with pytest.raises(SystemExit, match="cannot include files below"):
        nginx_text.render_settings(PurePosixPath(folder))


DUMP = """\
# configuration file /etc/nginx/nginx.conf:
http {
    include /etc/nginx/sites-enabled/*;
}

# configuration file /etc/nginx/sites-enabled/default:
server {
	listen 80 default_server;
	listen [::]:80 default_server;
	# listen 443 ssl default_server;
	server_name _;
}

# configuration file /etc/nginx/sites-enabled/other:
server { server_name other; listen 127.0.0.1:8080 default; listen 80; }

# configuration file /etc/nginx/bakery.d/00-catch-all.conf:
server {
    listen *:80 default_server;
}
"""


@pytest.mark.parametrize(
    ("port", "files"),
    [(80, ["/etc/nginx/sites-enabled/default"]), (8080, ["/etc/nginx/sites-enabled/other"]), (443, [])],
)
def test_the_default_server_of_somebody_else_is_found(port: int, files: list[str]) -> None:
    ours = PurePosixPath("/etc/nginx/bakery.d")
    assert nginx_said.foreign_default_servers(DUMP, port=port, ours=ours) == files


def test_the_files_that_nginx_read_are_known() -> None:
    assert "/etc/nginx/sites-enabled/other" in nginx_said.files_read(DUMP)
    assert "/etc/nginx/conf.d/bakery.conf" not in nginx_said.files_read(DUMP)


def test_a_complaint_is_shown_without_the_marks_before_it() -> None:
    said = (
        "2026/11/21 10:00:00 [warn] 7#7: something\n"
        'nginx: [emerg] unknown directive "oops" in /etc/nginx/bakery.d/shop.conf:3\n'
        "nginx: configuration file /etc/nginx/nginx.conf test failed\n"
    )
    assert nginx_said.complaint_in(said) == 'unknown directive "oops" in /etc/nginx/bakery.d/shop.conf:3'
    assert nginx_said.complaint_in("nothing known\n") == "nothing known"


def string_as_nginx_reads_it(quoted: str) -> str:
    r"""ngx_conf_read_token(): within quotes a backslash before \, ", ', t, r and n is taken away, and no other."""
    meanings = {"\\": "\\", '"': '"', "'": "'", "t": "\t", "r": "\r", "n": "\n"}
    return re.sub(r"\\(.)", lambda escape: meanings.get(escape[1], escape[0]), quoted[1:-1])


def at(listen: Listen, log: AccessLog = LOG, tls: Tls = PLAIN) -> Place:
    return Place(listen, log, WEBROOT, tls)


def said() -> SiteText:
    """Where nobody chose."""
    return site_text(SiteOptions(), [], SiteFiles(PurePosixPath("/etc/nginx/bakery.d"), "shop-production"))
