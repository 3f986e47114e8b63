"""Pull requests as GitHub tells of them: shortened to what its documentation shows of the event."""

from typing import Any

from tests.hooks.pushes import A, B


def a_repository(number: int = 35129377, name: str = "acme/shop") -> dict[str, Any]:
    owner = name.split("/", maxsplit=1)[0]
    return {
        "id": number, "name": "shop", "full_name": name, "private": True, "fork": owner != "acme",
        "html_url": f"https://github.com/{name}", "git_url": f"git://github.com/{name}.git",
        "ssh_url": f"git@github.com:{name}.git", "clone_url": f"https://github.com/{name}.git",
        "pushed_at": "2026-03-04T05:06:07Z", "default_branch": "main", "owner": {"login": owner, "id": 1},
    }  # fmt: skip


FORK = a_repository(7, "mallory/shop")


def github(
    action: str = "opened", commit: str = A, *, at: int = 0, number: int = 42, head: object = None, **changes: object
) -> dict[str, Any]:
    """`at` is the second of the minute in which it was changed; `head` the repository of its branch."""
    told: dict[str, Any] = {
        "action": action, "number": number,
        "pull_request": {
            "id": 9, "number": number, "state": "closed" if action == "closed" else "open", "draft": False,
            "html_url": f"https://github.com/acme/shop/pull/{number}", "title": "Round the cart's total once",
            "user": {"login": "ann", "id": 2, "type": "User"}, "merged": False,
            "created_at": "2026-03-04T05:06:00Z", "updated_at": f"2026-03-04T05:06:{at:02}Z",
            "head": {"label": "acme:carts", "ref": "carts", "sha": commit, "repo": head or a_repository()},
            "base": {"label": "acme:main", "ref": "main", "sha": "e" * 40, "repo": a_repository()},
        },
        "repository": a_repository(), "sender": {"login": "ann", "id": 2}, **changes,
    }  # fmt: skip
    return told


def pushed(before: str = A, commit: str = B, *, at: int = 1, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - as JSON
    return github("synchronize", commit, at=at, **changes) | {"before": before, "after": commit}


def at_repository(told: dict[str, Any], number: int, url: str) -> dict[str, Any]:
    """The same, of the repository of that number and address."""
    here = {**a_repository(number), "html_url": url, "clone_url": f"{url}.git"}
    ends = {
        name: {**told["pull_request"][name], "repo": here} if told["pull_request"][name]["repo"]["id"] != FORK["id"]
        else told["pull_request"][name]
        for name in ("head", "base")
    }  # fmt: skip
    return {**told, "repository": here, "pull_request": {**told["pull_request"], **ends}}
