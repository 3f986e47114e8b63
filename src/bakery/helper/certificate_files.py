"""Where certificates lie on a node, and what is in them.

FOLDER/certificates/live/NAME/VERSION/ holds `chain.pem` and `key.pem`, and nobody changes these; NAME/current.json says
which version is the one to use, and what is in it. A site refers to a version, so that what is tested is what is used.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
from pathlib import Path

from bakery.helper.files import make_folder, make_open_folder, remove_tree, replace_with, sync_folder
from bakery.helper.programs import call, find_program

NAME = "(?:c[1-9][0-9]{0,17}|own)"  # own: of Bakery's own site
MOST_IN_CHAIN = 10
CHALLENGES = "/.well-known/acme-challenge/"
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Certificates:
    """All of a node's. `webroot` is where an authority finds what proves that names lead here."""

    def __init__(self, root: Path) -> None:
        self.home = root / "certificates"
        self.live = self.home / "live"
        self.acme = self.home / "acme"
        self.webroot = self.home / "webroot"

    def prepare(self) -> None:
        """nginx's workers pass through to the webroot, and to nothing else."""
        make_open_folder(self.webroot / CHALLENGES.strip("/"))
        for folder in (self.live, self.acme):
            make_folder(folder, 0o700)

    def current(self, name: str) -> dict[str, object] | None:
        """None: there is none. What is damaged is no certificate either."""
        try:
            found = json.loads((self.live / name / "current.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        if not isinstance(found, dict) or not self.chain(name, found).exists():
            return None
        return found

    def chain(self, name: str, current: dict[str, object]) -> Path:
        return self.live / name / str(current["version"]) / "chain.pem"

    def key(self, name: str, current: dict[str, object]) -> Path:
        return self.live / name / str(current["version"]) / "key.pem"

    def names(self) -> list[str]:
        return sorted(path.parent.name for path in self.live.glob("*/current.json"))

    def place(self, name: str, chain: str, key: str, described: dict[str, object]) -> None:
        """It is there, and the one to use, when both of its files are safe on the disk."""
        folder = self.live / name / str(described["version"])
        make_folder(folder.parent, 0o700)
        make_folder(folder, 0o700)
        replace_with(folder / "chain.pem", chain, mode=0o600)
        replace_with(folder / "key.pem", key, mode=0o600)
        sync_folder(folder)
        kept = {**described, "files": self._digest(folder)}
        replace_with(folder.parent / "current.json", json.dumps(kept), mode=0o600)
        sync_folder(folder.parent)

    def found(self, name: str) -> dict[str, object] | None:
        """As `current`, with the fingerprint of nothing where somebody changed its files."""
        current = self.current(name)
        if current is None or "files" not in current:  # of an older Bakery
            return current
        digest = self._digest(self.live / name / str(current["version"]))
        return current if digest == current["files"] else {**current, "fingerprint": digest}

    def _digest(self, folder: Path) -> str:
        import hashlib  # noqa: PLC0415 - it loads OpenSSL

        made = hashlib.sha256()
        for file in ("chain.pem", "key.pem"):
            with contextlib.suppress(FileNotFoundError):
                made.update((folder / file).read_bytes() + b"\0")
        return made.hexdigest()

    def tidy(self, name: str, used: str) -> None:
        """Versions go to which no site refers any more; `used` are the sites' texts."""
        current = self.current(name) or {}
        for folder in (self.live / name).glob("*/"):
            if folder.is_dir() and folder.name != current.get("version") and f"/{name}/{folder.name}/" not in used:
                remove_tree(folder)


def nameless(root: Path) -> tuple[Path, Path]:
    folder = Certificates(root).home / "nameless"
    return folder / "chain.pem", folder / "key.pem"


def make_nameless(root: Path) -> tuple[Path, Path]:
    """A certificate for nobody's name, that proves nothing to anybody; and its key."""
    chain, key = nameless(root)
    make_folder(chain.parent, 0o700)
    if not chain.exists():
        done = call(
            openssl(), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "36500", "-subj", "/CN=nobody.invalid",
            "-keyout", str(key), "-out", str(chain),
        )  # fmt: skip
        if done.status:
            sys.exit(f"openssl makes no certificate: {done.errors.strip()}")
    return chain, key


def split_chain(text: str) -> list[str]:
    """The certificates in a PEM text, as they follow each other."""
    return [re.sub(r"\s*\n\s*", "\n", found) + "\n" for found in _CERTIFICATE.findall(text)]


def describe(certificate: Path, *, is_uploaded: bool) -> dict[str, object]:
    """What is in the first one of a file."""
    done = call(
        openssl(), "x509", "-in", str(certificate), "-noout", "-serial", "-issuer", "-subject", "-startdate",
        "-enddate", "-fingerprint", "-sha256", "-nameopt", "RFC2253,-esc_msb", "-ext", "subjectAltName",
    )  # fmt: skip
    if done.status:
        sys.exit("This is not a certificate that OpenSSL can read.")
    said = dict(line.split("=", 1) for line in done.output.splitlines() if re.match(r"[\w ]+=", line))
    fingerprint = next(value for name, value in said.items() if name.lower().endswith("fingerprint"))
    names = re.findall(r"DNS:([^,\s]+)", done.output.partition("X509v3 Subject Alternative Name")[2])
    return {
        "version": fingerprint.replace(":", "").lower()[:32],
        "fingerprint": fingerprint.replace(":", "").lower(),
        "names": sorted({name.lower() for name in names}),
        "not_before": instant(said["notBefore"]),
        "not_after": instant(said["notAfter"]),
        "issuer": _organization(said["issuer"]),
        "serial": said["serial"].lower(),
        "is_self_signed": said["issuer"] == said["subject"],
        "is_uploaded": is_uploaded,
    }


def instant(said: str) -> int:
    """Seconds since 1970 of a time as OpenSSL says it: `Feb  3 07:00:00 2027 GMT`."""
    import calendar  # noqa: PLC0415 - few verbs need it

    month, day, clock, year = said.split()[:4]
    hours, minutes, seconds = map(int, clock.split(":"))
    return calendar.timegm((int(year), _MONTHS.index(month) + 1, int(day), hours, minutes, seconds))


def covers(names: list[str], host: str) -> bool:
    """Whether a certificate of these names is one for the host. A star stands for one step."""
    return host in names or f"*.{host.partition('.')[2]}" in names


def openssl() -> str:
    return find_program("openssl") or sys.exit("There is no openssl on this machine.")


def _organization(issuer: str) -> str:
    """Whoever signed it, as people know them."""
    found = dict(re.findall(r"(?:^|[,+])(O|CN)=((?:\\.|[^,+\\])+)", issuer))
    return " ".join(dict.fromkeys(found[part].strip() for part in ("O", "CN") if part in found)) or issuer
