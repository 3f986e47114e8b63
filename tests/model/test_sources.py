"""Addresses of repositories, branches and refs, as people type them."""

import pytest

from bakery.model.errors import BadInput
from bakery.model.secret import Secret
from bakery.model.sources import parse_branch, parse_git_url, parse_new_source, parse_ref, server_of, shown_ref


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("https://github.com/acme/shop.git", "https://github.com/acme/shop.git"),
        (" https://git.example:8443/acme/shop/ ", "https://git.example:8443/acme/shop"),
        ("git@github.com:acme/shop.git", "git@github.com:acme/shop.git"),
        ("ssh://git@git.example:2222/~ann/shop", "ssh://git@git.example:2222/~ann/shop"),
        ("http://127.0.0.1:3000/acme/shop", "http://127.0.0.1:3000/acme/shop"),
    ],
)
def test_an_address_over_https_or_ssh_is_taken(typed: str, url: str) -> None:
    assert parse_git_url(typed) == url


@pytest.mark.parametrize(
    "typed",
    [
        "", "shop", "/srv/shop.git", "file:///srv/shop.git", "git://git.example/shop", "ext::sh -c id",
        "-oProxyCommand=id", "ssh://-oProxyCommand=id/x", "git@-host:x", "git@host:-x", "https://host",
        "https://host/a b", "https://host/a\nb",
        "https://host/../x", "https://host/x?y", "https://höst/x",
        "https://host/" + "x" * 500,
        "http://git.example/shop", "http://127.0.0.1.example/shop",
    ],
)  # fmt: skip
def test_an_address_of_another_kind_is_refused(typed: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_git_url(typed)
    assert refused.value.field == "url"


def test_what_opens_a_repository_is_no_part_of_its_address() -> None:
    with pytest.raises(BadInput, match="Leave the user and the token out of the address"):
        parse_git_url("https://ann:s3cret@github.com/acme/shop")


@pytest.mark.parametrize("name", ["main", "release/2.1", "feature/größe", "v1.0-rc_2"])
def test_a_branch_has_a_name_that_git_takes(name: str) -> None:
    assert parse_branch(f" {name} ") == name


@pytest.mark.parametrize("name", ["", "-x", "a..b", "a b", "a~1", "a:b", "x.lock", "a//b", "x/", "a@{1}", "a\\b", "*"])
def test_what_git_takes_for_something_else_is_no_branch(name: str) -> None:
    with pytest.raises(BadInput, match="cannot be the name of a branch"):
        parse_branch(name)


@pytest.mark.parametrize(
    ("typed", "ref", "shown"),
    [
        ("main", "refs/heads/main", "main"),
        ("refs/tags/v1", "refs/tags/v1", "v1"),
        ("9f3c1e" + "0" * 34, "9f3c1e" + "0" * 34, "9f3c1e0"),
    ],
)
def test_a_ref_is_a_branch_a_tag_or_a_commit(typed: str, ref: str, shown: str) -> None:
    assert (parse_ref(typed), shown_ref(parse_ref(typed))) == (ref, shown)


@pytest.mark.parametrize("typed", ["refs/pull/1/head", "--upload-pack=x", "refs/heads/../x"])
def test_what_no_server_gives_is_no_ref(typed: str) -> None:
    with pytest.raises(BadInput):
        parse_ref(typed)


def test_a_token_opens_nothing_over_ssh() -> None:
    with pytest.raises(BadInput, match="A token is for an https address") as refused:
        parse_new_source(url="git@github.com:acme/shop.git", token=Secret("t"))
    assert refused.value.field == "token"


def test_a_token_without_a_user_has_the_usual_one() -> None:
    new = parse_new_source(url="https://github.com/acme/shop", token=Secret(" t0ken\n"))
    assert (new.username, new.token, new.branch, new.base) == ("x-access-token", Secret("t0ken"), None, "")


def test_a_server_is_its_name_its_port_and_how_it_is_spoken_to() -> None:
    servers = {
        server_of(url)
        for url in ("https://h.example/a", "https://h.example:8443/a", "git@h.example:a", "ssh://h.example/a")
    }
    assert servers == {"https://h.example", "https://h.example:8443", "ssh://h.example"}
