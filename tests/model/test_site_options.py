from dataclasses import replace
from typing import Any

import msgspec
import pytest

from bakery.helper import site_options as on_node
from bakery.model.errors import BadInput
from bakery.model.site_options import (
    KNOWN,
    USUAL,
    Redirect,
    SiteOptions,
    Www,
    changed,
    texts,
    with_user,
    without_user,
)

CHOSEN = SiteOptions(
    force_https=True,
    hsts_days=180,
    www=Www.TO_WWW,
    redirects=(Redirect("/old", "/new?a=1", 308), Redirect("/blog/", "https://blog.example/", 302, is_prefix=True)),
    rate=5,
    burst=0,
    maintenance=True,
    maintenance_text="Back\nsoon",
    maintenance_allowed=("203.0.113.7/32", "2001:db8::/32"),
    pages={"502": "<p>“$&'</p>"},
    headers=(("X-Frame-Options", "DENY"), ("Link", '</a>; rel="x"')),
    upload_mb=7,
    connect_seconds=1,
    read_seconds=2,
    send_seconds=3,
    gzip=False,
)
HASHED = "$2b$06$" + "a" * 53


def test_what_is_chosen_reads_as_it_is_written() -> None:
    assert changed(USUAL, texts(CHOSEN)) == CHOSEN
    assert changed(CHOSEN, dict.fromkeys(KNOWN, "")) == USUAL


def test_what_is_not_named_stays() -> None:
    assert changed(CHOSEN, {"gzip": "on"}) == replace(CHOSEN, gzip=True)
    assert changed(CHOSEN, {"upload_mb": "8", "page_503": "x"}).pages == {**CHOSEN.pages, "503": "x"}
    assert changed(CHOSEN, {"page_502": ""}).pages == {}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("gzip", "perhaps", "Say yes or no."),
        ("www", "never", "This is one of as-is, to-bare, to-www."),
        ("rate", "-1", "This is a whole number from 0 to 10000."),
        ("rate", "1.5", "This is a whole number from 0 to 10000."),
        ("upload_mb", "0", "This is a whole number from 1 to 102400."),
        ("redirects", "/old", "“/old” is no redirect."),
        ("redirects", "/ /new", "“/” is no path that can lead elsewhere."),
        ("redirects", "/a;b /new", "“/a;b” is no path that can lead elsewhere."),
        ("redirects", "/a/../b /new", "“/a/../b” is no path that can lead elsewhere."),
        ("redirects", "/.well-known/acme-challenge/x /new", "is no path that can lead elsewhere."),
        ("redirects", "/old //evil.example", "“//evil.example” is no address to lead to."),
        ("redirects", "/old javascript:alert(1)", "is no address to lead to."),
        ("redirects", "/old /$host", "“/$host” is no address to lead to."),
        ("redirects", "/blog/* https://blog.example", "has to have a / at the end of both."),
        ("redirects", "/blog* /new/", "has to have a / at the end of both."),
        ("redirects", "/old /new 200", "“200” is no status of a redirect."),
        ("redirects", "/old /old", "would lead to itself."),
        ("redirects", "/a/* /a/b/", "would lead to itself."),
        ("redirects", "/a /b\n/a /c", "/a leads to two addresses."),
        ("redirects", "\n".join(f"/{number}x /b" for number in range(101)), "A site has at most 100 redirects."),
        ("maintenance_allowed", "10.0.0.0/8 here", "“here” is neither an address nor a network."),
        ("maintenance_allowed", "fe80::1%x;}{", "“fe80::1%x;}{” is neither an address nor a network."),
        ("maintenance_allowed", "10.0.0.1/8", "“10.0.0.1/8” is neither an address nor a network."),
        ("headers", "no header", "“no header” is no header."),
        ("headers", "X Y: z", "“X Y: z” is no header."),
        ("headers", "Transfer-Encoding: chunked", "The header Transfer-Encoding is not for a site to set."),
        ("headers", "X-Y: $host", "The value of X-Y has to be printable ASCII without dollar signs"),
        ("headers", "X-Y:", "The value of X-Y has to be printable ASCII without dollar signs"),
        ("page_502", "a" * 20_001, "This is a text of at most 20000 characters."),
        ("page_404", "a", "There is no site option “page_404”."),
        ("users", "ann", "There is no site option “users”."),
    ],
)
def test_each_mistake_is_said_at_its_field(name: str, text: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        changed(USUAL, {name: text})
    assert refused.value.field == name
    assert said in refused.value.message


def test_who_is_asked_for_a_password_is_no_secret_and_no_text() -> None:
    known = with_user(USUAL, "ann", HASHED)
    assert "ann" not in str(texts(known))
    assert HASHED not in repr(known)
    assert without_user(known, "ann") == USUAL
    for name in ("", "a:b", "a\nb", "a b"):
        with pytest.raises(BadInput):
            with_user(USUAL, name, HASHED)


@pytest.mark.parametrize("options", [USUAL, CHOSEN, with_user(CHOSEN, "ann", HASHED)])
def test_the_node_takes_what_is_chosen(options: SiteOptions) -> None:
    taken = on_node.told_options(as_told(options))
    assert (taken.rate, taken.headers, taken.users) == (options.rate, options.headers, options.users)


def test_where_nothing_is_told_the_node_has_what_is_usual() -> None:
    usual = on_node.told_options(None)
    assert {name: getattr(usual, name) for name in on_node.CHECKS} == vars(on_node.told_options(as_told(USUAL)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": True},
        {"rate": "5"},
        {"www": "x"},
        {"gzip": 1},
        {"more": 1},
        {"redirects": [{"path": "/a", "target": "/b", "status": 301}]},
        {"redirects": [{"path": '/a"{', "target": "/b", "status": 301, "is_prefix": False}]},
        {"redirects": [{"path": "/a/", "target": "https://b.example", "status": 301, "is_prefix": True}]},
        {"redirects": [{"path": "/a", "target": "/b\r\nX: y", "status": 301, "is_prefix": False}]},
        {"redirects": [{"path": "/a", "target": "/b", "status": True, "is_prefix": False}]},
        {"users": {"a:b": HASHED}},
        {"users": {"ann": "plain"}},
        {"users": {"ann": HASHED + "\nbob:x"}},
        {"users": {"ann": HASHED.replace("$06$", "$31$")}},
        {"pages": {"404": "x"}},
        {"pages": {"502": "\ud800"}},
        {"headers": [["X-Y", "a\nb"]]},
        {"headers": [["X-Y"]]},
        {"headers": [["Server", "x"]]},
        {"maintenance_allowed": ["0.0.0.0/0; return 200"]},
        {"maintenance_allowed": [7]},
        {"maintenance_text": 7},
    ],
)
def test_the_node_checks_each_word_itself(wrong: dict[str, Any]) -> None:
    with pytest.raises(SystemExit):
        on_node.told_options({**as_told(CHOSEN), **wrong})


def as_told(options: SiteOptions) -> dict[str, Any]:
    told = msgspec.json.decode(msgspec.json.encode(options))
    assert isinstance(told, dict)
    return told
