"""Names that decide, on what is no file of text: never silently nothing."""

import pytest

from bakery.model.repository_paths import RepositoryPath
from bakery.stacks.app_settings import AppSettings
from bakery.stacks.detect import detect
from bakery.stacks.plan import BuildPlan, Undetected
from bakery.stacks.tree import FileTree
from tests.stacks.trees import Files, answer, plan_of, unknown


def with_links(files: dict[str, bytes], *links: str) -> FileTree:
    return FileTree({name: len(content) for name, content in files.items()}, files, links)


def test_a_link_in_the_place_of_what_decides_is_told() -> None:
    found = detect(with_links({"README.md": b""}, "Dockerfile", "README.txt", "apps"))
    assert isinstance(found, Undetected)
    assert found.why[1:] == ("Dockerfile is a link, which is not followed, so it does not count.",)


def test_links_beside_what_was_found_and_above_it_are_told() -> None:
    tree = with_links({"web/index.html": b""}, ".nvmrc", "package.json", "web/shop.csproj", "web/src/main.py", "web/a")
    found = detect(tree, base=RepositoryPath("web"))
    assert isinstance(found, BuildPlan)
    assert [sentence.partition(",")[0] for sentence in found.why[1:]] == [
        "web/shop.csproj is a link",
        "web/src/main.py is a link",
        ".nvmrc is a link",
        "package.json is a link",
    ]


def test_a_folder_in_the_place_of_what_decides_is_told() -> None:
    assert unknown({"Dockerfile/web": "FROM x\n"}).why[1:] == ("Dockerfile is a folder, so it does not count.",)
    assert plan_of({"Dockerfile/web": "FROM x\n", "main.go": "package main\nfunc main() {}\n"}).why[-1] == (
        "Dockerfile is a folder, so it does not count."
    )


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\x7fELF\x00\x01", b"\xff\xd8\xff"])
def test_a_dockerfile_without_a_word_leaves_the_choice_to_others(content: bytes) -> None:
    found = plan_of({"Dockerfile": content, "main.go": "package main\nfunc main() {}\n"})
    assert (found.stack, found.why[-1]) == ("go", "Dockerfile is empty, or no text, so it does not count.")
    assert unknown({"Dockerfile": content}).why[1:] == ("Dockerfile is empty, or no text, so it does not count.",)


@pytest.mark.parametrize(
    ("files", "mistake"),
    [
        ({"docker/web": "FROM x\n"}, "“docker” is a folder."),
        ({"docker": b"\0"}, "“docker” is empty, or no text."),
        ({"Dockerfile": "FROM x\n"}, "There is no “docker” in this repository."),
    ],
)
def test_a_dockerfile_that_somebody_named_has_to_be_one(files: Files, mistake: str) -> None:
    found = answer({"bakery.toml": '[build]\ndockerfile = "docker"\n', **files})
    assert isinstance(found, Undetected)
    assert found.message == mistake


def test_a_link_that_somebody_named_as_a_dockerfile_is_an_error() -> None:
    found = detect(with_links({}, "docker"), settings=AppSettings(dockerfile=RepositoryPath("docker")))
    assert isinstance(found, Undetected)
    assert found.message == "“docker” is a link, and links are not followed."


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"main.py": "1\n", "Procfile": b"\0"}, "Procfile is no text, so nothing that it says counts."),
        ({"pom.xml": "<project><build>"}, "pom.xml cannot be read as XML, so nothing that it says counts."),
        (
            {"shop.csproj": '<Project Sdk="Microsoft.NET.Sdk.Web"><'},
            "shop.csproj cannot be read as XML, so nothing that it says counts.",
        ),
        ({"package.json": "{}", "index.js": "", "mise.toml": "[tools"}, "mise.toml cannot be read as TOML"),
        ({"package.json": "{}", "index.js": "", ".nvmrc": b"\0"}, ".nvmrc is no text, so nothing that it says counts."),
        (
            {"package.json": '{"x": "' + "x" * 300_000 + '"}', "index.js": ""},
            "package.json has more than 256 KiB, so it was not read.",
        ),
    ],
)
def test_what_says_nothing_is_told_once(files: Files, sentence: str) -> None:
    why = plan_of(files).why
    name = sentence.partition(" ")[0]
    bad = [
        one for one in why if one.startswith(f"{name} ") and ("counts" in one or "read" in one or "no version" in one)
    ]
    assert len(bad) == 1
    assert bad[0].startswith(sentence)


def test_what_was_nearly_found_is_told() -> None:
    files = {"docker/Dockerfile": "", "Dockerfile.dev": "", "Dockerfile.dockerignore": "", "a/b/c/d/Dockerfile": ""}
    assert unknown({**files, "Containerfile": "", "compose.yaml": ""}).why[1:] == (
        "Dockerfile.dev may be its Dockerfile: name it as [build] dockerfile in bakery.toml.",
        "docker/Dockerfile may be its Dockerfile: name it as [build] dockerfile in bakery.toml.",
        "Containerfile does not count by itself: name it as [build] dockerfile in bakery.toml.",
        "compose.yaml is Compose's, which is not read: each app is told by a Dockerfile or by its files.",
    )
