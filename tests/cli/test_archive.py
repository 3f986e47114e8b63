"""What is sent of a folder, and as what bytes."""

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from bakery.cli.client.archive import files_to_send, pack
from bakery.cli.client.ignore import IgnoreRules
from bakery.model.errors import BadInput


def make(folder: Path, *names: str, **texts: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    for name, text in texts.items():
        (folder / f".{name}").write_text(text)


def packed(folder: Path, *names: str) -> bytes:
    target = io.BytesIO()
    pack(folder, list(names), target)
    return target.getvalue()


def test_in_a_repository_git_decides(tmp_path: Path) -> None:
    make(tmp_path, "app.py", "new.py", "gone.py", "debug.log", "deep/er.log", gitignore="*.log\n")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, "add", "app.py", "gone.py", ".gitignore"], check=True)
    (tmp_path / "gone.py").unlink()

    assert files_to_send(tmp_path) == [".gitignore", "app.py", "new.py"]


def test_without_one_the_ignore_files_and_common_sense_do(tmp_path: Path) -> None:
    make(
        tmp_path,
        "app.py",
        "a/b.py",
        "a/c.log",
        "build/out.js",
        "node_modules/x/index.js",
        "__pycache__/app.pyc",
        "docs/secret.txt",
        gitignore="*.log\n/build\n",
        dockerignore="docs\n",
    )
    assert files_to_send(tmp_path) == [".dockerignore", ".gitignore", "a/b.py", "app.py"]


def test_of_a_folder_inside_a_repository_only_that_folder_is_sent(tmp_path: Path) -> None:
    make(tmp_path, "other.py", "app/main.py")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    assert files_to_send(tmp_path / "app") == ["main.py"]


def test_there_must_be_something_to_send(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nothing to send"):
        files_to_send(tmp_path)
    with pytest.raises(BadInput, match="is not a folder"):
        files_to_send(tmp_path / "missing")


@pytest.mark.parametrize(
    ("rules", "path", "ignored"),
    [
        (["*.log"], "a/b.log", True),
        (["/*.log"], "a/b.log", False),
        (["a/*.log"], "a/b/c.log", False),
        (["a/**/c.log"], "a/b/d/c.log", True),
        (["**/c.log"], "c.log", True),
        (["a/**"], "a/b", True),
        (["a/**"], "a", False),
        (["*.log", "!keep.log"], "keep.log", False),
        (["[ab].py"], "b.py", True),
        (["[!ab].py"], "b.py", False),
        (["file?"], "file1", True),
        (["# comment", "", "\\#odd"], "#odd", True),
        (["a.b"], "axb", False),
        (["dir/"], "dir", False),
    ],
)
def test_patterns_mean_what_they_do_in_gitignore(rules: list[str], path: str, ignored: bool) -> None:  # noqa: FBT001 - a column
    assert IgnoreRules(rules, from_root=False).ignores(path, is_folder=False) is ignored


def test_in_dockerignore_a_name_means_the_top_folder(tmp_path: Path) -> None:
    rules = IgnoreRules(["dist"], from_root=True)
    assert rules.ignores("dist", is_folder=True)
    assert not rules.ignores("a/dist", is_folder=True)


def test_what_an_ignore_file_keeps_of_an_ignored_folder_is_sent(tmp_path: Path) -> None:
    make(tmp_path, "docs/a.md", "docs/b.md", dockerignore="docs\n!docs/b.md\n.dockerignore\n")
    assert files_to_send(tmp_path) == ["docs/b.md"]


def test_the_same_files_are_the_same_bytes(tmp_path: Path) -> None:
    make(tmp_path, "app.py")
    first = packed(tmp_path, "app.py")
    os.utime(tmp_path / "app.py", (1, 1))
    assert packed(tmp_path, "app.py") == first


def test_links_stay_links_and_programs_stay_programs(tmp_path: Path) -> None:
    make(tmp_path, "run.sh", "data.txt")
    (tmp_path / "run.sh").chmod(0o700)
    (tmp_path / "latest").symlink_to("data.txt")
    os.link(tmp_path / "data.txt", tmp_path / "same")

    with tarfile.open(fileobj=io.BytesIO(packed(tmp_path, "run.sh", "data.txt", "latest", "same"))) as archive:
        found = {entry.name: (entry.type, oct(entry.mode), entry.linkname, entry.uid) for entry in archive}

    assert found == {
        "run.sh": (tarfile.REGTYPE, "0o755", "", 0),
        "data.txt": (tarfile.REGTYPE, "0o644", "", 0),
        "latest": (tarfile.SYMTYPE, "0o644", "data.txt", 0),
        "same": (tarfile.REGTYPE, "0o644", "", 0),
    }


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="pipe is not a file"):
        packed(tmp_path, "pipe")
