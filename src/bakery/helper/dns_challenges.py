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

ADDRESS = re.compile(r"[0-9A-Fa-f.:]{2,45}")
ALGORITHM = re.compile("HMAC-SHA(224|256|384|512)")
KEY_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?\.?")
SECRET = re.compile(r"[A-Za-z0-9+/]{1,500}={0,2}")
TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.=+/-]{7,499}")  # nothing that the file's format gives a meaning
PLUGINS = {
    "rfc2136": {"server": ADDRESS, "key_name": KEY_NAME, "secret": SECRET, "algorithm": ALGORITHM},
    "cloudflare": {"api_token": TOKEN},
    "digitalocean": {"token": TOKEN},
    "dnsimple": {"token": TOKEN},
    "gandi": {"api_key": TOKEN},
    "gehirn": {"api_token": TOKEN, "api_secret": TOKEN},
    "linode": {"key": re.compile("[0-9a-f]{64}")},  # of its API 4; the plugin takes all others for keys of API 3
    "ovh": {
        "endpoint": re.compile("ovh-(eu|ca)"), "application_key": TOKEN, "application_secret": TOKEN,
        "consumer_key": TOKEN,
    },
    "sakuracloud": {"api_token": TOKEN, "api_secret": TOKEN},
}  # fmt: skip
SHORTEST_END = 4  # of a word, by which it is known
INI_NAMES = {"key_name": "name"}  # where the plugin has another
LONGEST_WAIT = 300  # seconds
LONGEST_CONNECT = 5.0
_CODE = re.compile(r"Received response from server: ([A-Z]+)")
_RAISED = re.compile(r"^dns\.(?:tsig|exception|query|resolver)\.(\w+)", re.MULTILINE)
_KEY_REFUSED = {"PeerBadKey", "PeerBadSignature", "BadSignature", "PeerError", "PeerBadTruncation", "BadKey"}
_CLOCKS = {"PeerBadTime", "BadTime"}
_OF_PLUGIN = "certbot.errors.PluginError"  # what all plugins raise


class DnsChallenge:
    """Told as `plugin`, `wait` and the fields of the plugin; of rfc2136 a `port` too."""

    def __init__(self, told: object) -> None:
        if not isinstance(told, dict):
            sys.exit("dns is no object.")
        self.plugin = _one_of(told, "plugin", PLUGINS)
        forms, others = PLUGINS[self.plugin], {"plugin", "wait", *(["port"] if self.plugin == "rfc2136" else [])}
        if set(told) != others | set(forms):
            sys.exit(f"dns is described by exactly these: {', '.join(sorted(others | set(forms)))}.")
        self.fields = {name: _text(told, name, form) for name, form in forms.items()}
        self.wait = whole_number(told, "wait", 0, LONGEST_WAIT)
        self.place: tuple[str, int] | None = None
        if self.plugin == "rfc2136":
            self.place = _address(told["server"]), whole_number(told, "port", 1, 65535)

    def missing(self, certbot: str, *words: str) -> Refusal | None:
        """What keeps certbot from asking at all. `words` say where it may write."""
        listed = call(certbot, "plugins", "--authenticators", *words)
        if not re.search(rf"^\* dns-{self.plugin}$", listed.output, re.MULTILINE):
            return Refusal("no-plugin", f"This machine has no python3-certbot-dns-{self.plugin}.")
        if self.place is None:
            return None
        try:
            socket.create_connection(self.place, LONGEST_CONNECT).close()
        except OSError as error:
            return Refusal("dns-server", f"{self.place[0]} port {self.place[1]}: {error.strerror or error}")
        return None

    def words(self, aside: Path) -> list[str]:
        """For certbot, which reads the key in a file of `aside`."""
        file = aside / "dns.ini"
        write_over(file, self.credentials().encode())
        option = f"--dns-{self.plugin}"
        return [
            "--authenticator", f"dns-{self.plugin}", f"{option}-credentials", str(file),
            f"{option}-propagation-seconds", str(self.wait),
        ]  # fmt: skip

    def refusal_in(self, log: str, last_words: str) -> Refusal | None:
        """None: it is nothing that the name server said, or the provider."""
        if self.place is None:
            return self._refusal_of_provider(log, self._without_secrets(last_words))
        return self._refusal_of_name_server(self.place[0], log, last_words)

    def _refusal_of_name_server(self, server: str, log: str, last_words: str) -> Refusal | None:
        raised, code = set(_RAISED.findall(log)), _CODE.search(log)
        said = f"{server} said: {code[1]}." if code else last_words
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

    def credentials(self) -> str:
        told: dict[str, object] = {INI_NAMES.get(name, name): value for name, value in self.fields.items()}
        if self.place is not None:
            told |= {"server": self.place[0], "port": self.place[1]}
        return "".join(f"dns_{self.plugin}_{name} = {value}\n" for name, value in sorted(told.items()))

    def _refusal_of_provider(self, log: str, last_words: str) -> Refusal | None:
        if "Unable to determine base domain" in log:
            return Refusal("dns-zone", last_words)
        return Refusal("dns-account", last_words) if _OF_PLUGIN in log else None

    def _without_secrets(self, text: str) -> str:
        """Of long words only the end was kept: it may begin in the middle of one."""
        for value in self.fields.values():
            text = text.replace(value, "…")
            ends = (value[begin:] for begin in range(1, len(value) - SHORTEST_END))
            cut = next((end for end in ends if text.startswith(end)), "")
            text = f"…{text[len(cut) :]}" if cut else text
        return text


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
