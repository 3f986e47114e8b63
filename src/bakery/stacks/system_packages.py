"""Debian's packages that an app's own dependencies need to be there."""

from collections.abc import Collection, Mapping


def needed_packages(
    needs: Collection[str], known: Mapping[str, tuple[str, ...]], *, source: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The packages, and the sentences for them. `known`: by dependency; `source`: the file that names those."""
    found = {one: packages for one, packages in known.items() if one in needs}
    why = tuple(f"{source} needs {one}, and that {' and '.join(packages)}." for one, packages in found.items())
    return tuple(dict.fromkeys(name for packages in found.values() for name in packages)), why
