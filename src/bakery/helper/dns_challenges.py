"""How certbot proves that a zone is ours: with a record that it writes at the name server and takes away again.

Its plugin reads where, and with which key, in a file. That is 0600 in a folder of root's alone, and gone with the
order; the next one, also when it renews, brings it again. What the plugin and its library say of a failure are
sentences, and no two versions use the same; what they raise, and the codes of the DNS, have names that stay.
"""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Container
from ipaddress import ip_address
from pathlib import Path

from bakery.helper.acme_log import Refusal
from bakery.helper.files import write_over
from bakery.helper.programs import call
from bakery.helper.words import whole_number

FIELDS = {"plugin", "server", "port", "key_name", "algorithm", "secret", "wait"}
PLUGINS = {"rfc2136": "python3-certbot-dns-rfc2136"}  # and the package of Debian that has it
ALGORITHMS = ("HMAC-SHA224", "HMAC-SHA256", "HMAC-SHA384", "HMAC-SHA512")
KEY_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?\.?")
SECRET = re.compile(r"[A-Za-z0-9+/]{1,500}={0,2}")
LONGEST_WAIT = 300  # seconds
LONGEST_CONNECT = 5.0
_CODE = re.compile(r"Received response from server: ([A-Z]+)")
_RAISED = re.compile(r"^dns\.(?:tsig|exception|query|resolver)\.(\w+)", re.MULTILINE)
_KEY_REFUSED = {"PeerBadKey", "PeerBadSignature", "BadSignature", "PeerError", "PeerBadTruncation", "BadKey"}
_CLOCKS = {"PeerBadTime", "BadTime"}


class DnsChallenge:
    def __init__(self, told: object) -> None:
        if not isinstance(told, dict) or set(told) != FIELDS:
            sys.exit(f"dns is described by exactly these: {', '.join(sorted(FIELDS))}.")
        self.plugin, self.algorithm = _one_of(told, "plugin", PLUGINS), _one_of(told, "algorithm", ALGORITHMS)
        self.server, self.port = _address(told["server"]), whole_number(told, "port", 1, 65535)
        self.key_name, self.secret = _text(told, "key_name", KEY_NAME), _text(told, "secret", SECRET)
        self.wait = whole_number(told, "wait", 0, LONGEST_WAIT)

    def missing(self, certbot: str, *words: str) -> Refusal | None:
        """What keeps certbot from asking at all. `words` say where it may write."""
        listed = call(certbot, "plugins", "--authenticators", *words)
        if not re.search(rf"^\* dns-{self.plugin}$", listed.output, re.MULTILINE):
            return Refusal("no-plugin", f"This machine has no {PLUGINS[self.plugin]}.")
        try:
            socket.create_connection((self.server, self.port), LONGEST_CONNECT).close()
        except OSError as error:
            return Refusal("dns-server", f"{self.server} port {self.port}: {error.strerror or error}")
        return None

    def words(self, aside: Path) -> list[str]:
        """For certbot, which reads the key in a file of `aside`."""
        file = aside / "dns.ini"
        write_over(file, self._credentials().encode())
        option = f"--dns-{self.plugin}"
        return [
            "--authenticator", f"dns-{self.plugin}", f"{option}-credentials", str(file),
            f"{option}-propagation-seconds", str(self.wait),
        ]  # fmt: skip

    def refusal_in(self, log: str, last_words: str) -> Refusal | None:
        """None: it is nothing that the name server said."""
        raised, code = set(_RAISED.findall(log)), _CODE.search(log)
        said = f"{self.server} said: {code[1]}." if code else last_words
        if raised & _CLOCKS:
            return Refusal("dns-clock", last_words)
        if raised & _KEY_REFUSED or (code and code[1] in {"NOTAUTH", "BADKEY", "BADSIG"}):
            return Refusal("dns-key", said)
        if code:
            return Refusal("dns-refused", said)
        if "Unable to determine base domain" in log:  # certbot raises one class for all
            return Refusal("dns-zone", last_words)
        if "Timeout" in raised:
            return Refusal("dns-server", last_words)
        return None

    def _credentials(self) -> str:
        told = {
            "server": self.server, "port": self.port, "name": self.key_name, "secret": self.secret,
            "algorithm": self.algorithm,
        }  # fmt: skip
        return "".join(f"dns_{self.plugin}_{name} = {value}\n" for name, value in told.items())


def _one_of(told: dict[str, object], name: str, among: Container[str]) -> str:
    value = told[name]
    return value if isinstance(value, str) and value in among else sys.exit(f"{name} is none that is known here.")


def _text(told: dict[str, object], name: str, form: re.Pattern[str]) -> str:
    value = told[name]
    return value if isinstance(value, str) and form.fullmatch(value) else sys.exit(f"{name} has another form.")


def _address(told: object) -> str:
    try:
        return str(ip_address(told)) if isinstance(told, str) and "%" not in told else sys.exit("server is no address.")
    except ValueError:
        sys.exit("server is no address.")
