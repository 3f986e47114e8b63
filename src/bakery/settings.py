"""The settings that must be known before the database is: the environment, read once, at start.

Everything else is set in the browser. All of them are checked, and every mistake is told at once, a sentence each.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from bakery.model.certificates import LETSENCRYPT, STAGING
from bakery.model.emails import parse_email
from bakery.model.errors import BadInput, NotReady
from bakery.model.github import PUBLIC, parse_client_id, parse_client_secret, parse_github_url
from bakery.model.secret import Secret

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of docs/settings.md; `bakery up` hands it on to the process that it starts."""

    name: str
    meaning: str
    default: str = ""


KNOWN: tuple[Setting, ...] = (
    Setting("DATABASE_URL", "A PostgreSQL 14+ server. Empty: Bakery runs its own."),
    Setting(
        "ENCRYPTION_KEY",
        "32 bytes in base64 that encrypt the vault; two, separated by a comma, while rotating.",
    ),
    Setting("ENCRYPTION_KEY_FILE", "The file that holds the key.", "DATA_DIR/encryption.key"),
    Setting(
        "SESSION_SECRET",
        "At least 32 characters that sign forms, the same for all processes of a database. "
        "Empty: Bakery makes one and keeps it encrypted in the database.",
    ),
    Setting("BAKERY_HOST", "The address to listen on.", "127.0.0.1"),
    Setting("BAKERY_PORT", "The port to listen on.", "4100"),
    Setting("BAKERY_BASE_URL", "The address people use, with its path if it has one. Also set in the browser."),
    Setting(
        "BAKERY_TRUSTED_PROXIES",
        "Addresses of reverse proxies whose X-Forwarded-For and -Proto are believed, separated by commas.",
    ),
    Setting("BAKERY_PUBLIC_IP", "The public address of this machine, the node `local`."),
    Setting("BAKERY_APPS_DOMAIN", "The domain under which apps of this machine get their names.", "localhost"),
    Setting(
        "BAKERY_DNS_RESOLVERS",
        "DNS servers that are asked about domains, as 192.0.2.53 or 192.0.2.53:5353, separated by commas.",
        "those of this machine",
    ),
    Setting(
        "BAKERY_ACME_DIRECTORY",
        "Who issues certificates: letsencrypt, staging (its tests, which no browser trusts), none, or the address of "
        "another authority's ACME directory.",
        "letsencrypt",
    ),
    Setting("BAKERY_ACME_EMAIL", "Whom that authority writes to about certificates."),
    Setting("BAKERY_ACME_EAB_KID", "The id of an external account, as an authority gave it to you that asks for one."),
    Setting("BAKERY_ACME_EAB_KEY", "The key of that account (HMAC, in base64url)."),
    Setting(
        "BAKERY_ACME_CA",
        "A PEM file of who vouches for the authority's own address, where no public one does.",
    ),
    Setting(
        "BAKERY_DRIFT_MINUTES",
        "How often each node is looked at for what somebody changed by hand; 0: only when a person looks.",
        "30",
    ),
    Setting("GITHUB_CLIENT_ID", "The OAuth app by which people link their GitHub, set at each start."),
    Setting("GITHUB_CLIENT_SECRET", "The secret of that OAuth app."),
    Setting("GITHUB_URL", "The GitHub server that it is registered at.", "https://github.com"),
    Setting(
        "BAKERY_DATA_DIR",
        "The control plane's own folder.",
        "/var/lib/bakery/control as root, else ~/.local/share/bakery/control",
    ),
    Setting(
        "BAKERY_NODE_DIR",
        "The folder of this machine as a node. Another one than the usual keeps to itself: own nginx, own processes.",
        "/var/lib/bakery/node as root, else ~/.local/share/bakery/node",
    ),
    Setting("BAKERY_LOGS_DIR", "The control plane's own logs.", "DATA_DIR/logs"),
    Setting("BAKERY_LOG", "What is logged: debug, info, warning or error, and what is worse.", "info"),
    Setting(
        "BAKERY_JOB_LOG_MB",
        "How much of a job's log is kept, in megabytes; what is beyond is counted.",
        "512",
    ),
    Setting("BAKERY_ADMIN_EMAIL", "The first admin, made at the first start only."),
    Setting("BAKERY_ADMIN_PASSWORD", "The first admin's password; it must be changed at the first sign-in."),
    Setting("BAKERY_DEVELOPMENT", "1 serves the style guide and reloads templates."),
    Setting("BAKERY_FAULT", "A fault on purpose, in development alone (reliability.md)."),
)
# Read by the commands that are clients, and by our own migration.
_OF_OTHERS = {"BAKERY_URL", "BAKERY_TOKEN", "BAKERY_MIGRATE_URL"}

_MEGABYTE = 1024 * 1024
_MOST_MEGABYTES = 100_000


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment said."""

    database_url: Secret | None
    encryption_keys: tuple[Secret, ...]  # empty: in the file
    encryption_key_file: Path
    session_secret: Secret | None
    host: str
    port: int
    base_url: str | None
    trusted_proxies: tuple[str, ...]
    public_ip: str | None
    apps_domain: str
    dns_resolvers: tuple[tuple[str, int], ...]
    acme_directory: str | None  # None: nobody is asked for certificates
    acme_email: str | None
    drift_every: timedelta | None  # None: nobody looks by itself
    acme_eab_kid: str | None
    acme_eab_key: Secret | None
    acme_ca: str | None  # PEM
    github_client_id: str | None  # None: as it is in the settings
    github_client_secret: Secret | None
    github_url: str
    data_dir: Path
    node_dir: Path
    logs_dir: Path
    log_level: str
    job_log_bytes: int
    admin_email: str | None
    admin_password: Secret | None
    development: bool
    fault: str | None


def read_settings(environ: Mapping[str, str], *, dotenv: Path | None = None, is_root: bool | None = None) -> Settings:
    """Reads the environment over `.env`. Raises NotReady with a sentence per mistake."""
    values = {**(_read_dotenv(dotenv) if dotenv else {}), **{k: v for k, v in environ.items() if v}}
    mistakes: list[str] = []
    root = os.geteuid() == 0 if is_root is None else is_root
    home = Path(values.get("HOME") or "/")
    state = Path("/var/lib/bakery") if root else home / ".local/share/bakery"

    def take(name: str, parse: Callable[[str], T], default: T) -> T:
        text = values.get(name, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            mistakes.append(f"{name}: {error}")
        except BadInput as error:
            mistakes.append(f"{name}: {error.message}")
        return default

    data_dir = take("BAKERY_DATA_DIR", _absolute_path, state / "control")
    email = take("BAKERY_ADMIN_EMAIL", parse_email, None)
    password = take("BAKERY_ADMIN_PASSWORD", Secret, None)
    if (email is None) != (password is None) and not mistakes:
        mistakes.append(
            "BAKERY_ADMIN_EMAIL and BAKERY_ADMIN_PASSWORD belong together: set both, or neither and use /setup."
        )
    account_id = take("BAKERY_ACME_EAB_KID", _account_id, None)
    account_key = take("BAKERY_ACME_EAB_KEY", _account_key, None)
    if (account_id is None) != (account_key is None) and not mistakes:
        mistakes.append("BAKERY_ACME_EAB_KID and BAKERY_ACME_EAB_KEY belong together: set both, or neither.")
    client_id = take("GITHUB_CLIENT_ID", parse_client_id, None)
    client_secret = take("GITHUB_CLIENT_SECRET", _client_secret, None)
    if (client_id is None) != (client_secret is None) and not mistakes:
        mistakes.append("GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET belong together: set both, or neither.")
    settings = Settings(
        database_url=take("DATABASE_URL", _database_url, None),
        encryption_keys=take("ENCRYPTION_KEY", _keys, ()),
        encryption_key_file=take("ENCRYPTION_KEY_FILE", _absolute_path, data_dir / "encryption.key"),
        session_secret=take("SESSION_SECRET", _session_secret, None),
        host=take("BAKERY_HOST", _listen_address, "127.0.0.1"),
        port=take("BAKERY_PORT", _port, 4100),
        base_url=take("BAKERY_BASE_URL", parse_base_url, None),
        trusted_proxies=take("BAKERY_TRUSTED_PROXIES", _addresses, ()),
        public_ip=take("BAKERY_PUBLIC_IP", parse_address, None),
        apps_domain=take("BAKERY_APPS_DOMAIN", parse_domain, "localhost"),
        dns_resolvers=take("BAKERY_DNS_RESOLVERS", _dns_servers, ()),
        acme_directory=take("BAKERY_ACME_DIRECTORY", _acme_directory, LETSENCRYPT) or None,
        acme_email=take("BAKERY_ACME_EMAIL", parse_email, None),
        drift_every=take("BAKERY_DRIFT_MINUTES", _minutes, timedelta(minutes=30)) or None,
        acme_eab_kid=account_id,
        acme_eab_key=account_key,
        acme_ca=take("BAKERY_ACME_CA", _pem_file, None),
        github_client_id=client_id,
        github_client_secret=client_secret,
        github_url=take("GITHUB_URL", parse_github_url, PUBLIC),
        data_dir=data_dir,
        node_dir=take("BAKERY_NODE_DIR", _absolute_path, state / "node"),
        logs_dir=take("BAKERY_LOGS_DIR", _absolute_path, data_dir / "logs"),
        log_level=take("BAKERY_LOG", _log_level, "info"),
        job_log_bytes=take("BAKERY_JOB_LOG_MB", _megabytes, 512 * _MEGABYTE),
        admin_email=email,
        admin_password=password,
        development=take("BAKERY_DEVELOPMENT", _switch, default=False),
        fault=take("BAKERY_FAULT", str, None),
    )
    if settings.fault and not settings.development:
        mistakes.append("BAKERY_FAULT: faults on purpose are for development alone; set BAKERY_DEVELOPMENT=1 too.")
    if mistakes:
        raise NotReady(
            "\n".join(mistakes), hint="Correct the environment or .env; docs/settings.md lists every setting."
        )
    return settings


def find_unknown(environ: Mapping[str, str], *, dotenv: Path | None = None) -> list[str]:
    """A sentence for each that is called like a setting of ours and is none: most are misspelt."""
    known = {setting.name for setting in KNOWN}
    given = {*environ, *(_read_dotenv(dotenv) if dotenv else ())}
    unknown = sorted(name for name in given - known - _OF_OTHERS if name.startswith("BAKERY_"))
    return [f"{name} is not a setting of Bakery{_meant(name, known)}" for name in unknown]


def _meant(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, sorted(known), n=1)
    return f"; do you mean {close[0]}?" if close else "."


def parse_base_url(text: str) -> str:
    """`https://host[:port][/prefix]`, without a slash at the end."""
    text = text.strip()
    if not text.isascii() or not text.isprintable():
        raise BadInput("The base URL is written in plain ASCII letters.", field="base_url")
    no_address = BadInput(f"“{text}” is not an address like https://bakery.example.com.", field="base_url")
    try:
        parts = urlsplit(text)
        has_port = parts.port is not None or ":" not in parts.netloc.rpartition("]")[2]
    except ValueError:
        raise no_address from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not has_port:
        raise no_address
    if (
        parts.query
        or parts.fragment
        or "@" in parts.netloc
        or not re.fullmatch(r"[A-Za-z0-9._~/-]*", parts.path)
        or "//" in parts.path
    ):
        raise BadInput(
            "The base URL has a scheme, a host and perhaps a plain path, and nothing else.", field="base_url"
        )
    if not re.fullmatch(r"[A-Za-z0-9.-]+|[0-9a-fA-F:.]+", parts.hostname):
        raise BadInput(f"“{parts.hostname}” is not a host name or an IP address.", field="base_url")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def parse_address(text: str, *, field: str = "public_ip") -> str:
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        raise BadInput(f"“{text}” is not an IP address.", field=field) from None


def parse_domain(text: str) -> str:
    domain = text.strip().lower().rstrip(".")
    label = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
    if len(domain) > 253 or not re.fullmatch(rf"{label}(\.{label})*", domain):
        raise BadInput(f"“{text}” is not a domain name like apps.example.com.", field="apps_domain")
    return domain


def _read_dotenv(path: Path) -> dict[str, str]:
    try:
        text = path.read_text()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise NotReady(f"{path} cannot be read: {error}.") from error
    values: dict[str, str] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = re.fullmatch(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)", line)
        if not match:
            raise NotReady(f"{path}, line {number} is not NAME=value.", hint="Comments start with #.")
        name, value = match.groups()
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        values[name] = value[1:-1] if quoted else value
    return values


def _absolute_path(text: str) -> Path:
    path = Path(text).expanduser()
    if not path.is_absolute() or "\0" in text:
        raise ValueError(f"“{text}” is not an absolute path.")
    return path


def _database_url(text: str) -> Secret:
    if urlsplit(text).scheme not in {"postgres", "postgresql"}:
        raise ValueError("it is not an address like postgresql://user:password@host/database.")
    return Secret(text)


def _keys(text: str) -> tuple[Secret, ...]:
    return tuple(Secret(part.strip()) for part in text.split(","))


def _session_secret(text: str) -> Secret:
    if len(text) < 32:
        raise ValueError("it is shorter than 32 characters.")
    return Secret(text)


def _listen_address(text: str) -> str:
    if text == "localhost":
        return "127.0.0.1"
    try:
        return str(ip_address(text.strip("[]")))
    except ValueError:
        raise ValueError(
            f"“{text}” is not an IP address; use 127.0.0.1 for this machine only or 0.0.0.0 for all."
        ) from None


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise ValueError(f"“{text}” is not a port between 1 and 65535.")
    return int(text)


def _minutes(text: str) -> timedelta:
    if not text.isascii() or not text.isdigit() or not 0 <= int(text) <= 1440:
        raise ValueError(f"“{text}” is not a number of minutes from 0 to 1440.")
    return timedelta(minutes=int(text))


def _addresses(text: str) -> tuple[str, ...]:
    return tuple(parse_address(part) for part in text.split(","))


def _dns_servers(text: str) -> tuple[tuple[str, int], ...]:
    return tuple(_dns_server(part.strip()) for part in text.split(","))


def _dns_server(text: str) -> tuple[str, int]:
    """An address, perhaps with a port, which an IPv6 address has after brackets."""
    found = re.fullmatch(r"\[([0-9a-fA-F:.]+)\](?::([0-9]+))?|([0-9.]+):([0-9]+)", text)
    address, port = (found[1] or found[3], found[2] or found[4]) if found else (text, None)
    return parse_address(address), _port(port) if port else 53


def _acme_directory(text: str) -> str:
    """Empty: nobody's."""
    known = {"letsencrypt": LETSENCRYPT, "staging": STAGING, "none": ""}
    if text in known:
        return known[text]
    if not re.fullmatch(r"https://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?(/[A-Za-z0-9._~/%-]{0,300})?", text):
        raise ValueError(f"“{text}” is none of letsencrypt, staging and none, nor an address with https://.")
    return text


def _account_id(text: str) -> str:
    if not re.fullmatch(r"[!-~]{1,500}", text):
        raise ValueError("it is not one word of ASCII.")
    return text


def _account_key(text: str) -> Secret:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,500}={0,2}", text):
        raise ValueError("it is not written in base64url.")
    return Secret(text)


def _client_secret(text: str) -> Secret:
    return parse_client_secret(Secret(text))


def _pem_file(text: str) -> str:
    try:
        pem = _absolute_path(text).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{text} cannot be read: {error}.") from error
    if "-----BEGIN CERTIFICATE-----" not in pem or not pem.isascii():
        raise ValueError(f"{text} holds no certificate in PEM.")
    return pem


def _log_level(text: str) -> str:
    if text not in {"debug", "info", "warning", "error"}:
        raise ValueError(f"“{text}” is not one of debug, info, warning and error.")
    return text


def _megabytes(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6 or not 1 <= int(text) <= _MOST_MEGABYTES:
        raise ValueError(f"“{text}” is not a number of megabytes between 1 and {_MOST_MEGABYTES}.")
    return int(text) * _MEGABYTE


def _switch(text: str) -> bool:
    if text not in {"0", "1"}:
        raise ValueError(f"“{text}” is neither 0 nor 1.")
    return text == "1"
