"""What may be said of a build or a pull, and what Docker's client is told then."""

import json
import os
import pwd
from pathlib import Path

import pytest

from bakery.helper.docker_client import (
    build_argv,
    client_files,
    read_dockerfile,
)
from bakery.helper.frontends import expect_known_frontend
from bakery.helper.image_references import REFERENCE, split_reference, whole_name
from bakery.helper.told_image import told_build, told_place, told_pull

KEY = "j0123456789abcdef01234567"
A_BUILD: dict[str, object] = {
    "app": "shop",
    "environment": "production",
    "build": 4,
    "folder": "/somewhere",
    "dockerfile": "docker/web",
    "dockerfile_text": None,
    "args": {"VERSION": "1 $x"},
    "secrets": {"variables": "canary"},
    "registries": [{"host": "registry.example:5000", "username": "me", "password": "canary"}],
    "target": None,
    "network": "default",
    "output": None,
    "no_cache": False,
    "memory_bytes": None,
    "cpu_percent": None,
}
A_PULL: dict[str, object] = {"reference": "registry.example:5000/team/shop:1.2", "username": None, "password": None}
DIGEST = "sha256:" + "a" * 64


def test_a_build_is_one_form_of_one_command_and_shows_no_secret() -> None:
    told_place(A_BUILD)
    told_build(A_BUILD)
    argv = build_argv({**A_BUILD, "target": "test", "no_cache": True}, {"bakery.app": "shop"}, KEY, Path("/private"))
    assert argv == [
        "docker", "build", "--progress", "plain", "--network", "default",
        "--tag", "bakery/shop:4", "--file", "/private/dockerfile/Dockerfile",
        "--label", "bakery.app=shop", "--build-arg", "VERSION=1 $x",
        "--build-arg", f"no_proxy={KEY}.bakery.invalid", "--build-arg", f"NO_PROXY={KEY}.bakery.invalid",
        "--secret", "id=variables,src=/private/secret-0", "--target", "test", "--no-cache", ".",
    ]  # fmt: skip
    files = client_files("FROM base", "node_modules", A_BUILD)
    assert files == {
        "dockerfile/Dockerfile": "FROM base",
        "dockerfile/Dockerfile.dockerignore": "node_modules",
        "config.json": '{"auths": {"registry.example:5000": {"auth": "bWU6Y2FuYXJ5"}}}',
        "secret-0": "canary",
    }


def test_a_build_of_files_makes_no_image() -> None:
    files = {**A_BUILD, "output": "web/dist"}
    told_build(files)
    assert build_argv(files, {"bakery.app": "shop"}, KEY)[6:10] == [
        "--output", "type=tar,dest=-", "--file", "/run/bakery/build/dockerfile/Dockerfile",
    ]  # fmt: skip
    assert "--tag" not in build_argv(files, {"bakery.app": "shop"}, KEY)


def test_the_build_of_a_pull_request_shares_what_it_keeps_with_no_other() -> None:
    said = [
        [one for one in build_argv({**A_BUILD, "environment": name}, {}, KEY) if one.startswith("BUILDKIT_")]
        for name in ("production", "pr", "pr42", "pr42b")
    ]
    assert said == [[], [], ["BUILDKIT_CACHE_MOUNT_NS=shop-pr42"], []]


def test_a_proxy_of_the_builds_own_stays_beside_the_mark_of_its_steps() -> None:
    argv = build_argv({**A_BUILD, "args": {"no_proxy": "localhost"}}, {}, KEY)
    assert f"no_proxy=localhost,{KEY}.bakery.invalid" in argv
    assert f"NO_PROXY={KEY}.bakery.invalid" in argv


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({"dockerfile": None}, "either the path of a Dockerfile or its text"),
        ({"dockerfile_text": "FROM base"}, "either the path of a Dockerfile or its text"),
        ({"dockerfile": "/etc/shadow"}, "dockerfile has to be a path below"),
        ({"dockerfile": "a/../../b"}, "dockerfile has to be a path below"),
        ({"dockerfile": ""}, "dockerfile has to be a path below"),
        ({"dockerfile": "a\0"}, "dockerfile has to be a path below"),
        ({"args": {"A-B": ""}}, "args has to be an object whose names"),
        ({"args": {"A": "x" * 100_001}}, "at most 100000 bytes"),
        ({"args": {"BUILDKIT_SYNTAX": "evil/frontend"}}, "would be an order to the builder"),
        ({"args": {"buildkit_syntax": "evil/frontend"}}, "would be an order to the builder"),
        ({"secrets": {"a,src=/etc/shadow": ""}}, "secrets has to be an object whose names"),
        ({"secrets": {"a": "x" * 500_001}}, "at most 500000 bytes"),
        ({"target": "--push"}, "target has to be the name of a stage"),
        ({"output": "/etc"}, "output has to be a path below"),
        ({"output": "a/../../b"}, "output has to be a path below"),
        ({"output": "dist,type=image,push=true"}, "output has to be a path below"),
        ({"output": ""}, "output has to be a path below"),
        ({"output": "dist", "target": "test"}, "takes no target"),
        ({"network": "host"}, "network has to be default or none"),
        ({"no_cache": 1}, "no_cache has to be true or false"),
        ({"memory_bytes": 1}, "memory_bytes has to be a whole number"),
        ({"registries": [{"host": "a"}]}, "registries has to be a list"),
        ({"registries": [{"host": "a/b", "username": "", "password": ""}]}, "named by its host"),
        ({"registries": [{"host": "a", "username": "a:b", "password": ""}]}, "no name of a user holds a colon"),
    ],
)
def test_what_a_hostile_caller_says_of_a_build_is_refused(said: dict[str, object], refused: str) -> None:
    with pytest.raises(SystemExit, match=refused):
        told_build({**A_BUILD, **said})


@pytest.mark.parametrize("name", ["app", "environment"])
def test_whose_build_it_is_is_a_checked_name(name: str) -> None:
    for value in ("../other", "", None, "blue" if name == "environment" else "-x"):
        with pytest.raises(SystemExit, match=f"{name} has to be the name of one"):
            told_place({**A_BUILD, name: value})


@pytest.mark.parametrize(
    "text",
    [
        "FROM base",
        "# syntax=docker/dockerfile:1\nFROM base",
        "# escape=`\n# syntax = docker.io/docker/dockerfile-upstream:1.4-labs\nFROM base",
        f"#syntax=docker/dockerfile:1@{DIGEST}\r\nFROM base",
        "FROM base\n# syntax=evil/frontend",
        "\ufeff#!/usr/bin/env docker\n//syntax=docker/dockerfile:1\n\n\t# build:\u00a0all\nFROM base",
        "# made\r\n# by hand\r\nFROM base\nRUN printf '\x0c\x1b\u2028'\n",
    ],
)
def test_dockers_own_frontends_are_known(text: str) -> None:
    expect_known_frontend(text)


@pytest.mark.parametrize(
    "text",
    [
        "# syntax=evil/frontend\nFROM base",
        "#SYNTAX = evil/docker/dockerfile:1\nFROM base",
        "\ufeff# syntax=evil/frontend",
        "#!/usr/bin/env docker\n\n# escape=`\n# syntax=docker/dockerfile.evil:1",
        "// syntax=evil/frontend",
        "//syntax=evil/frontend",
        "#!/usr/bin/env docker\n//\tsyntax=evil/frontend",
        "\ufeff#!/usr/bin/env docker\n#syntax=evil/frontend",
        "# syntax=docker/dockerfile:1\tevil/frontend",
        "#\u00a0syntax=evil/frontend",
        "\n \n#syntax=evil/frontend",
    ],
)
def test_another_frontend_is_refused(text: str) -> None:
    with pytest.raises(SystemExit, match="Only Docker's own frontend can be named"):
        expect_known_frontend(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"syntax": "evil/frontend"}',
        ' \r\n\t{"syntax": "evil/frontend"}',
        '\ufeff#!/usr/bin/env docker\n{"syntax": "evil/frontend"}',
    ],
)
def test_a_frontend_that_is_named_in_json_is_refused(text: str) -> None:
    with pytest.raises(SystemExit, match="begins with a comment or with an instruction"):
        expect_known_frontend(text)


@pytest.mark.parametrize("character", ["\0", "\f", "\v", "\r", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("#", "syntax=evil/frontend\nFROM base", 1),
        ("# made by hand", " \n#syntax=evil/frontend", 1),
        ("#!/usr/bin/env docker\n//", "syntax=evil/frontend", 2),
        ("#!/usr/bin/env docker\n# ", " again\n#syntax=evil/frontend", 2),
    ],
)
def test_no_line_that_could_name_a_frontend_holds_what_builders_read_in_two_ways(
    character: str, before: str, after: str, line: int
) -> None:
    with pytest.raises(SystemExit) as refused:
        expect_known_frontend(f"{before}{character}{after}")
    assert str(refused.value).startswith(
        f"Line {line} of the Dockerfile holds a control character (U+{ord(character):04X}) at place "
    )


@pytest.mark.parametrize(
    ("reference", "name", "last", "whole"),
    [
        ("shop", "shop", "latest", "shop:latest"),
        ("localhost:5000/shop", "localhost:5000/shop", "latest", "localhost:5000/shop:latest"),
        ("localhost:5000/team/shop:1.2", "localhost:5000/team/shop", "1.2", "localhost:5000/team/shop:1.2"),
        (f"team/shop@{DIGEST}", "team/shop", DIGEST, f"team/shop@{DIGEST}"),
        (f"team/shop:1@{DIGEST}", "team/shop", DIGEST, f"team/shop@{DIGEST}"),
    ],
)
def test_a_reference_has_a_name_and_a_tag_or_digest(reference: str, name: str, last: str, whole: str) -> None:
    told_pull({**A_PULL, "reference": reference})
    assert split_reference(reference) == (name, last)
    assert whole_name(name, last) == whole


@pytest.mark.parametrize(
    "reference", ["", "Shop", "-x", "shop:", "shop@sha256:abc", "a//b", "http://x/y", "shop:1 2", "shop\n", "x" * 401]
)
def test_what_names_no_image_is_refused(reference: str) -> None:
    assert REFERENCE.fullmatch(reference) is None
    with pytest.raises(SystemExit, match="reference has to name an image"):
        told_pull({**A_PULL, "reference": reference})


@pytest.mark.parametrize("reference", ["bakery/shop:4", "docker.io/bakery/shop:4", "index.docker.io/bakery/shop"])
def test_a_pull_cannot_take_the_place_of_a_build(reference: str) -> None:
    with pytest.raises(SystemExit, match="Names that begin with bakery/ are those of builds"):
        told_pull({**A_PULL, "reference": reference})


def test_a_user_comes_with_a_password() -> None:
    with pytest.raises(SystemExit, match="comes with a password"):
        told_pull({**A_PULL, "username": "me"})


def test_a_dockerfile_is_read_from_inside_the_folder_only(tmp_path: Path) -> None:
    home, account = tmp_path / "home", pwd.getpwuid(os.geteuid())
    folder = home / "releases/1"
    (folder / "docker").mkdir(parents=True)
    (folder / "docker/web").write_text("FROM base")
    (folder / "docker/web.dockerignore").write_text("big")
    assert read_dockerfile(account, home, str(folder), "docker/web") == ("FROM base", "big")
    (tmp_path / "secret").write_text("hush")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "away").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    for path, refused in (
        ("link", "link leads out of the folder"),
        ("away/secret", "away/secret leads out of the folder"),
        ("pipe", "pipe is not a file"),
        ("docker", "docker is not a file"),
        ("none", "There is no none in this folder"),
    ):
        with pytest.raises(SystemExit, match=refused):
            read_dockerfile(account, home, str(folder), path)
    (home / "out").symlink_to(tmp_path)
    with pytest.raises(SystemExit, match="has to be below"):
        read_dockerfile(account, home, str(home / "out"), "secret")


def test_credentials_of_registries_are_in_no_word_of_the_command() -> None:
    assert "canary" not in json.dumps(build_argv(A_BUILD, {}, KEY))
