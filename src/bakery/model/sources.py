"""Where an app's code is kept: a repository, the branch that is followed, and what opens it."""

import re
from dataclasses import dataclass
from typing import NewType

from bakery.helper.git_urls import LONGEST_URL, find_url, is_ref
from bakery.model.errors import BadInput
from bakery.model.repository_paths import RepositoryPath, parse_repository_path
from bakery.model.secret import Secret

GitUrl = NewType("GitUrl", str)
Branch = NewType("Branch", str)
Ref = NewType("Ref", str)  # HEAD, refs/heads/main, refs/tags/v1, a commit's 40 letters or their first few

USUAL_USER = "x-access-token"  # servers that care about a token's user take this one
LONGEST_TOKEN = 4000
_HINT = "Like https://github.com/acme/shop.git or git@github.com:acme/shop.git."
_WITH_USER = re.compile(r"https?://[^/]*@")
_USER = re.compile(r"[^\s:\x00-\x1f\x7f]{1,200}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PART_OF_COMMIT = re.compile(r"[0-9a-f]{7,39}")


@dataclass(frozen=True, slots=True)
class NewSource:
    """What `set_source` needs; made by `parse_new_source`. Without a branch it is the repository's own first one.

    `token` None: the one that is stored stays. `accepts_host_key`: the server may show another one than before.
    `github_person`: whose link to GitHub opens it, where no token does; `by_github_app`: the GitHub App does. With
    neither, what GitHub opened it by stays, if `keeps_github`.
    """

    url: GitUrl
    branch: Branch | None
    base: RepositoryPath
    username: str
    token: Secret | None
    submodules: bool = True
    accepts_host_key: bool = False
    github_person: int | None = None
    by_github_app: bool = False
    keeps_github: bool = True


def parse_new_source(
    *,
    url: str,
    branch: str = "",
    base: str = "",
    username: str = "",
    token: Secret | None = None,
    submodules: bool = True,
    accepts_host_key: bool = False,
    github_person: int | None = None,
    by_github_app: bool = False,
    keeps_github: bool = True,
) -> NewSource:
    """Texts from a form, a JSON body or the command line; each mistake names its field."""
    address = parse_git_url(url)
    given = _parse_token(token) if token else None
    if given and is_ssh(address):
        raise BadInput("A token is for an https address.", field="token", hint="Over SSH a deploy key opens it.")
    if by_github_app and (given or is_ssh(address)):
        raise BadInput("The GitHub App opens addresses over https, without a token.", field="url")
    return NewSource(
        url=address,
        branch=parse_branch(branch) if branch.strip() else None,
        base=parse_repository_path(base.strip(), field="base"),
        username=_parse_user(username),
        token=given,
        submodules=submodules,
        accepts_host_key=accepts_host_key,
        github_person=None if given else github_person,
        by_github_app=by_github_app,
        keeps_github=keeps_github and not given,
    )


def parse_git_url(text: str, *, field: str = "url") -> GitUrl:
    """Over https or SSH, and over plain http only to the node itself. Never with what opens it."""
    url = text.strip().rstrip("/")
    if _WITH_USER.match(url):
        raise BadInput("Leave the user and the token out of the address: they have fields of their own.", field=field)
    if find_url(url) is None:
        if url.startswith("http://"):
            raise BadInput("Use https: over http everybody on the way can read along.", field=field)
        raise BadInput(f"Use the address of a repository, up to {LONGEST_URL} characters.", field=field, hint=_HINT)
    return GitUrl(url)


def is_ssh(url: str) -> bool:
    found = find_url(url)
    return found is not None and found.scheme == "ssh"


def server_of(url: str) -> str:
    """A credential for one repository there opens nothing elsewhere."""
    found = find_url(url)
    return found.server if found else ""


def parse_branch(text: str, *, field: str = "branch") -> Branch:
    name = text.strip()
    if not is_ref(f"refs/heads/{name}") or not name.isprintable():
        raise BadInput("This cannot be the name of a branch.", field=field, hint="Like main or release/2.1.")
    return Branch(name)


def parse_ref(text: str, *, field: str = "ref") -> Ref:
    """A branch, a commit by its 40 letters or at least the first 7, or a whole name like refs/tags/v1."""
    ref = text.strip()
    if (
        _COMMIT.fullmatch(ref)
        or is_short_commit(ref)
        or (ref.startswith("refs/") and ref.isprintable() and is_ref(ref))
    ):
        return Ref(ref)
    if ref.startswith("refs/"):
        raise BadInput("This names neither a branch nor a tag.", field=field, hint="Like refs/tags/v1.")
    return ref_of(parse_branch(ref, field=field))


def is_short_commit(ref: str) -> bool:
    """No server gives a commit for these: whoever knows it has to say the rest."""
    return _PART_OF_COMMIT.fullmatch(ref) is not None


def ref_of(branch: Branch) -> Ref:
    return Ref(f"refs/heads/{branch}")


def shown_ref(ref: str) -> str:
    """As people call it."""
    return ref[:7] if _COMMIT.fullmatch(ref) else re.sub("^refs/(heads|tags)/", "", ref)


def _parse_user(text: str) -> str:
    user = text.strip()
    if user and not _USER.fullmatch(user):
        raise BadInput("A user's name has no spaces and no colons.", field="username")
    return user or USUAL_USER


def _parse_token(token: Secret) -> Secret:
    text = token.reveal().strip()
    if not text or len(text) > LONGEST_TOKEN or not text.isprintable() or not text.isascii():
        raise BadInput(f"A token is one line of up to {LONGEST_TOKEN} letters, digits and signs.", field="token")
    return Secret(text)
