"""Files by patterns, from names alone."""

from bakery.model.repository_paths import RepositoryPath
from bakery.stacks.tree import MOST_MATCHES, FileTree, Folder


def folder(*names: str, path: str = "") -> Folder:
    return Folder(FileTree(dict.fromkeys(names, 1)), RepositoryPath(path))


def test_a_pattern_stays_in_its_folder() -> None:
    here = folder("a.cs", "b.csproj", "src/c.csproj", "x/y.csproj", path="")
    assert here.matching("*.csproj") == ("b.csproj",)
    assert here.matching("*/*.csproj") == ("src/c.csproj", "x/y.csproj")
    assert here.matching("src/c.csproj") == ("src/c.csproj",)
    assert here.matching("src/none") == ()


def test_a_pattern_finds_a_few_at_most() -> None:
    assert len(folder(*(f"{number}.csproj" for number in range(100))).matching("*.csproj")) == MOST_MATCHES


def test_below_finds_the_upper_ones_first() -> None:
    here = folder("app/d/e/f/wsgi.py", "app/z/wsgi.py", "app/wsgi.py", "wsgi.py", path="app")
    assert list(here.below("wsgi.py", deepest=2)) == ["wsgi.py", "z/wsgi.py"]


def test_a_folder_is_there_when_something_lies_below_it() -> None:
    assert folder("a/b/c.txt", path="a").is_there
    assert not folder("ab/c.txt", path="a").is_there
    assert folder().is_there


def test_the_folders_above_end_at_the_top() -> None:
    assert [one.path for one in folder(path="a/b").and_above] == ["a/b", "a", ""]


def test_what_lies_here_is_found_by_its_begin() -> None:
    here = folder("a/tests/x.py", "a/test_y.py", path="a")
    assert (here.holds_any("tests/"), here.holds_any("test_"), here.holds_any("t")) == (True, True, True)
    assert (here.holds_any("spec/"), here.holds_any("x")) == (False, False)
