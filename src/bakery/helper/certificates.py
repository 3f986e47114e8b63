"""Certificates of sites: asked for with certbot, or brought by people. Each has a name, and what it is for is its own.

    certificate-issue NAME     takes a line of JSON (see issue); prints the certificate, or why the authority refused
    certificate-issue-by-dns NAME   likewise, and `dns`: how its names are proven at a name server (see dns_challenges)
    certificate-upload NAME    takes `certificate` and `key` as PEM, and the `hosts` of which it has to be for one
    certificate-remove NAME    harmless when there is none
    certificate-list           prints what is in each, and nothing's fingerprint where its files were changed
    certificate-served HOST    prints the certificate that nginx here shows to visitors of a host

certbot proves that a name leads here with a file in the webroot, which every site answers with over HTTP, or that its
zone is ours with a record at a name server; nginx is never stopped. Its account, its keys and its own idea of
certificates lie below certificates/acme, so that no certbot of the machine's own knows of ours, nor ours of its. What
nginx uses are copies (see certificate_files).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bakery.helper.acme_log import Refusal, refusal_in
from bakery.helper.certificate_files import MOST_IN_CHAIN, NAME, Certificates, covers, describe, openssl, split_chain
from bakery.helper.dns_challenges import DnsChallenge
from bakery.helper.files import remove_tree, write_over
from bakery.helper.nginx import Nginx
from bakery.helper.programs import Ended, call, find_program
from bakery.helper.site_files import taking_turns
from bakery.helper.sites import HOST, told_hosts
from bakery.helper.verbs import Verb
from bakery.helper.words import hinted, is_text, say, told_object

ORDER = {"hosts", "directory", "email", "account", "trusted", "instead_of"}
ADDRESS = re.compile(r"https://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?(/[A-Za-z0-9._~/%-]{0,300})?")
EMAIL = re.compile(r"[^\s@'\"\\,;=#]{1,64}@[A-Za-z0-9.-]{1,253}")
KEY_ID = re.compile(r"[!-~]{1,500}")
MAC_KEY = re.compile(r"[A-Za-z0-9_=-]{1,500}")
LONGEST_PEM = 200_000
LONGEST_ORDER = 540.0  # seconds
LONGEST_TURN = 20.0
LONGEST_HANDSHAKE = 5.0
MOST_NAMES = 100  # of a certificate; no authority gives more
LAST_WORDS = 600


# The verbs.


def issue(root: Path, name: str) -> None:
    """`directory` is the authority's address, `account` what it gave people beforehand to open one ({kid, key}), or
    None; `trusted` a PEM of who vouches for it where no public one does. `instead_of` is the fingerprint of the
    certificate that is no longer enough: any other that is there for these hosts is what an order before this one
    brought, whose caller was cut off."""
    told = told_object(ORDER, what="An order")
    carry_out(Order(root, name, told), root, name)


def issue_by_dns(root: Path, name: str) -> None:
    told = told_object(ORDER | {"dns"}, what="An order")
    carry_out(Order(root, name, told, DnsChallenge(told["dns"])), root, name)


def carry_out(order: Order, root: Path, name: str) -> None:
    certificates = Certificates(root)
    certificates.prepare()
    certbot = find_program("certbot") or ("/snap/bin/certbot" if os.access("/snap/bin/certbot", os.X_OK) else None)
    if certbot is None:
        say(refused(Refusal("no-certbot", "There is no certbot on this machine.")))
        return
    with alone(certificates) as is_alone:
        if not is_alone:
            say(refused(Refusal("busy", "Another certificate is being asked for here.")))
            return
        refusal = None if order.is_fulfilled() else order.run(certbot)
        if refusal is None:
            chain, key = (order.lineage / "fullchain.pem").read_text(), (order.lineage / "privkey.pem").read_text()
            described = describe(order.lineage / "fullchain.pem", is_uploaded=False)
            described["directory"] = order.directory
            put(root, name, chain, key, described)
            say({"certificate": described, "refused": None})
        else:
            say(refused(refusal))


def upload(root: Path, name: str) -> None:
    told = told_object({"certificate", "key", "hosts"}, what="A certificate")
    hosts, certificates = told_hosts(told["hosts"]), Certificates(root)
    pem, key = told_pem(told, "certificate"), told_pem(told, "key")
    certificates.prepare()
    with private_folder(certificates) as aside:
        chain = expect_chain(pem, aside)
        described = describe(aside / "0.pem", is_uploaded=True)
        expect_key(key, aside)
        expect_time(described)
        expect_hosts(described, hosts)
    described["directory"] = None
    put(root, name, "".join(chain), key.strip() + "\n", described)
    say({"certificate": described, "refused": None})


def remove(root: Path, name: str) -> None:
    certificates = Certificates(root)
    with taking_turns(root):
        if mentioned_in(root, f"/{name}/"):
            sys.exit("A site still uses this certificate.")
        remove_tree(certificates.live / name)
    for renewal in (certificates.acme / "config/renewal").glob(f"{name}-*.conf"):
        for folder in ("live", "archive"):
            remove_tree(certificates.acme / "config" / folder / renewal.stem)
        renewal.unlink()


def list_all(root: Path) -> None:
    certificates = Certificates(root)
    say({"certificates": {name: certificates.found(name) for name in certificates.names()}})


def served(root: Path, host: str) -> None:
    """Whoever signed it: that it is the one that should be there is for the caller to see."""
    import hashlib  # noqa: PLC0415 - it loads OpenSSL, which no other verb needs
    import socket  # noqa: PLC0415 - likewise, they take long to load
    import ssl  # noqa: PLC0415 - likewise

    told = told_object({"listen"}, what="nginx", may=frozenset({"listen_tls"}))
    listen = Nginx(root, told["listen"], told.get("listen_tls")).listen_tls or sys.exit(
        "nginx has no port for TLS here."
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    address = "127.0.0.1" if listen.address == "*" else listen.address
    try:
        with (
            socket.create_connection((address, listen.port), LONGEST_HANDSHAKE) as connection,
            context.wrap_socket(connection, server_hostname=host) as secured,
        ):
            shown = secured.getpeercert(binary_form=True) or b""
    except OSError as error:  # TLS's own are among them
        say({"fingerprint": None, "said": str(error)})
    else:
        say({"fingerprint": hashlib.sha256(shown).hexdigest(), "said": ""})


def refused(refusal: Refusal) -> dict[str, object]:
    return {"certificate": None, "refused": refusal.told()}


# An order.


class Order:
    """What is asked for, checked, and how certbot is told. Its name for it has the authority's, of which each has its
    own certificates."""

    def __init__(self, root: Path, name: str, told: dict[str, object], dns: DnsChallenge | None = None) -> None:
        import hashlib  # noqa: PLC0415 - it loads OpenSSL

        self.certificates, self.hosts, self.dns = Certificates(root), sorted(told_hosts(told["hosts"])), dns
        self.directory = told_text(told, "directory", ADDRESS)
        self.email = None if told["email"] is None else told_text(told, "email", EMAIL)
        self.account = told_account(told["account"])
        self.trusted = None if told["trusted"] is None else told_pem(told, "trusted")
        self.instead_of = (
            None if told["instead_of"] is None else told_text(told, "instead_of", re.compile("[0-9a-f]{64}"))
        )
        if len(self.hosts) > MOST_NAMES or (dns is None and any(host.startswith("*") for host in self.hosts)):
            sys.exit(f"At most {MOST_NAMES} names, none of which has a star unless a name server proves it.")
        self.lineage_name = f"{name}-{hashlib.sha256(self.directory.encode()).hexdigest()[:8]}"
        self.lineage = self.certificates.acme / "config/live" / self.lineage_name

    def is_fulfilled(self) -> bool:
        chain = self.lineage / "fullchain.pem"
        if not chain.exists():
            return False
        found = describe(chain, is_uploaded=False)
        is_for_these = found["names"] == self.hosts and int(str(found["not_after"])) > time.time()
        return is_for_these and found["fingerprint"] != self.instead_of

    def run(self, certbot: str) -> Refusal | None:
        acme = self.certificates.acme
        with private_folder(self.certificates) as aside:
            settings, logs = aside / "cli.ini", aside / "logs"
            write_over(settings, self.settings().encode())
            environment = {}
            if self.trusted is not None:
                write_over(aside / "trusted.pem", self.trusted.encode())
                environment["REQUESTS_CA_BUNDLE"] = str(aside / "trusted.pem")
            folders = (
                "--config-dir", str(acme / "config"), "--work-dir", str(acme / "work"), "--logs-dir", str(logs),
            )  # fmt: skip
            missing = self.dns and self.dns.missing(certbot, *folders)
            if missing:
                return missing
            done = call(
                certbot, "certonly", "--config", str(settings), "--non-interactive", *folders,
                "--max-log-backups", "0", "--cert-name", self.lineage_name, "--force-renewal",
                "--renew-with-new-domains", *self.proof(aside),
                *(word for host in self.hosts for word in ("--domain", host)),
                within=LONGEST_ORDER, environment=environment,
            )  # fmt: skip
            if done.status == 0:
                return None
            log = logs / "letsencrypt.log"
            text, words = log.read_text(errors="replace") if log.exists() else "", last_words(done)
            of_dns = self.dns.refusal_in(text, words) if self.dns else None
            return of_dns or refusal_in(text, words, has_account=self.account is not None)

    def proof(self, aside: Path) -> list[str]:
        if self.dns is None:
            return ["--webroot", "--webroot-path", str(self.certificates.webroot)]
        return self.dns.words(aside)

    def settings(self) -> str:
        """In a file, for every user of the machine sees what a program is called with."""
        lines = [f"server = {self.directory}", "agree-tos = true", "key-type = ecdsa", "no-eff-email = true"]
        lines.append("register-unsafely-without-email = true" if self.email is None else f"email = {self.email}")
        if self.account is not None:
            lines += [f"eab-kid = {self.account[0]}", f"eab-hmac-key = {self.account[1]}"]
        return "\n".join(lines) + "\n"


def last_words(done: Ended) -> str:
    """Without what leads to files that are gone by then."""
    if done.status < 0:
        return "certbot did not come to an end in time."
    lines = [line for line in (done.errors or done.output).splitlines() if line.strip()]
    kept = [line for line in lines if "debug log" not in line and "logfile" not in line and "Ask for help" not in line]
    return "\n".join(kept)[-LAST_WORDS:] or f"certbot ended with status {done.status}."


def told_account(told: object) -> tuple[str, str] | None:
    if told is None:
        return None
    if not isinstance(told, dict) or set(told) != {"kid", "key"}:
        sys.exit("account has to be an object of kid and key.")
    return told_text(told, "kid", KEY_ID), told_text(told, "key", MAC_KEY)


def told_text(told: dict[str, object], name: str, form: re.Pattern[str]) -> str:
    value = told[name]
    return value if isinstance(value, str) and form.fullmatch(value) else sys.exit(f"{name} has another form.")


@contextlib.contextmanager
def alone(certificates: Certificates) -> Iterator[bool]:
    """certbot serves one at a time. Ours keeps the lock also when whoever called it is gone."""
    lock = os.open(certificates.home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.fcntl(lock, fcntl.F_SETFD, 0)
    deadline = time.monotonic() + LONGEST_TURN
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    yield False
                    return
                time.sleep(0.05)
            else:
                break
        yield True
    finally:
        os.close(lock)


# What somebody brings.


def told_pem(told: dict[str, object], name: str) -> str:
    value = told[name]
    if not isinstance(value, str) or not is_text(value) or not 1 <= len(value) <= LONGEST_PEM or not value.isascii():
        sys.exit(f"{name} has to be a text in PEM, of at most {LONGEST_PEM} characters.")
    return value.replace("\r\n", "\n")


def expect_chain(pem: str, aside: Path) -> list[str]:
    """Its own certificate first, then whoever signed it, up to one that people trust, or just below."""
    chain = split_chain(pem)
    if not chain:
        hint = (
            "It begins with -----BEGIN CERTIFICATE-----. An authority's “fullchain” or “bundle” has all that is needed."
        )
        sys.exit(hinted("There is no certificate in what was given as one.", hint))
    if len(chain) > MOST_IN_CHAIN:
        sys.exit(f"A chain has at most {MOST_IN_CHAIN} certificates.")
    for number, one in enumerate(chain):
        write_over(aside / f"{number}.pem", one.encode())
        if call(openssl(), "x509", "-in", str(aside / f"{number}.pem"), "-noout").status:
            sys.exit(f"The certificate {number + 1} of what was given cannot be read.")
    for number in range(len(chain) - 1):
        signed, signer = aside / f"{number}.pem", aside / f"{number + 1}.pem"
        verified = call(openssl(), "verify", "-no_check_time", "-partial_chain", "-trusted", str(signer), str(signed))
        if verified.status:
            hint = "The site's own comes first, then the one that signed it, and so on."
            sys.exit(hinted(f"The certificate {number + 2} did not sign the one before it.", hint))
    return chain


def expect_key(key: str, aside: Path) -> None:
    write_over(aside / "key.pem", key.encode())
    if "ENCRYPTED" in key:
        hint = "Take the password away: openssl pkey -in OLD.key -out NEW.key"
        sys.exit(hinted("The private key has a password, which nginx could not type.", hint))
    ours = call(openssl(), "pkey", "-in", str(aside / "key.pem"), "-pubout")
    if ours.status or "-----BEGIN" not in ours.output:
        hint = "It begins with -----BEGIN PRIVATE KEY-----, or with EC or RSA before PRIVATE."
        sys.exit(hinted("The private key cannot be read.", hint))
    theirs = call(openssl(), "x509", "-in", str(aside / "0.pem"), "-noout", "-pubkey")
    if ours.output.strip() != theirs.output.strip():
        sys.exit(hinted("The private key is not that of the certificate.", "Both come from the same order."))


def expect_time(described: dict[str, object]) -> None:
    now = time.time()
    if int(str(described["not_after"])) <= now:
        sys.exit(f"The certificate expired on {day(described['not_after'])}.")
    if int(str(described["not_before"])) > now:
        sys.exit(f"The certificate is not valid before {day(described['not_before'])}.")


def expect_hosts(described: dict[str, object], hosts: list[str]) -> None:
    names = described["names"]
    if not isinstance(names, list) or not any(covers(names, host) for host in hosts):
        theirs = ", ".join(map(str, names if isinstance(names, list) else [])) or "no name"
        sys.exit(f"The certificate is for {theirs}, and the site has none of these names.")


def day(instant: object) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(int(str(instant))))


# Placing.


def put(root: Path, name: str, chain: str, key: str, described: dict[str, object]) -> None:
    """Sites have it when they are rendered anew, which is for the caller to ask."""
    certificates = Certificates(root)
    with taking_turns(root):
        certificates.place(name, chain, key, described)
        certificates.tidy(name, texts_of_sites(root))


def mentioned_in(root: Path, path: str) -> bool:
    return f"/certificates/live{path}" in texts_of_sites(root)


def texts_of_sites(root: Path) -> str:
    """Also of those that wait to be put back."""
    return "".join(path.read_text(errors="replace") for path in Nginx(root).sites.glob("*.conf*"))


@contextlib.contextmanager
def private_folder(certificates: Certificates) -> Iterator[Path]:
    """What a call leaves behind that was killed goes with the next."""
    for old in certificates.home.glob("aside-*"):
        if old.stat().st_mtime < time.time() - 2 * LONGEST_ORDER:
            remove_tree(old)
    with tempfile.TemporaryDirectory(prefix="aside-", dir=certificates.home) as folder:
        yield Path(folder)


VERBS = {
    "issue": Verb(issue, NAME),
    "issue-by-dns": Verb(issue_by_dns, NAME),
    "upload": Verb(upload, NAME),
    "remove": Verb(remove, NAME),
    "list": Verb(list_all),
    "served": Verb(served, HOST.pattern),
}
