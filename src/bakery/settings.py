"""The settings that must be known before the database is: the environment, read once, at start.

Everything else is set in the browser. All of them are checked, and every mistake is told at once, a sentence each.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from bakery.dotenv import read_dotenv
from bakery.model.certificates import LETSENCRYPT
from bakery.model.emails import parse_email
from bakery.model.errors import BadInput, NotReady
from bakery.model.github import PUBLIC, parse_client_id, parse_github_url
from bakery.model.secret import Secret
from bakery.setting_values import (
    MEGABYTE,
    parse_absolute_path,
    parse_account_id,
    parse_account_key,
    parse_acme_directory,
    parse_address,
    parse_addresses,
    parse_base_url,
    parse_database_url,
    parse_dns_servers,
    parse_domain,
    parse_github_secret,
    parse_keys,
    parse_listen_address,
    parse_listen_port,
    parse_log_level,
    parse_megabytes,
    parse_minutes,
    parse_pem_file,
    parse_session_secret,
    parse_switch,
)

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
    values = {**(read_dotenv(dotenv) if dotenv else {}), **{k: v for k, v in environ.items() if v}}
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

    data_dir = take("BAKERY_DATA_DIR", parse_absolute_path, state / "control")
    email = take("BAKERY_ADMIN_EMAIL", parse_email, None)
    password = take("BAKERY_ADMIN_PASSWORD", Secret, None)
    if (email is None) != (password is None) and not mistakes:
        mistakes.append(
            "BAKERY_ADMIN_EMAIL and BAKERY_ADMIN_PASSWORD belong together: set both, or neither and use /setup."
        )
    account_id = take("BAKERY_ACME_EAB_KID", parse_account_id, None)
    account_key = take("BAKERY_ACME_EAB_KEY", parse_account_key, None)
    if (account_id is None) != (account_key is None) and not mistakes:
        mistakes.append("BAKERY_ACME_EAB_KID and BAKERY_ACME_EAB_KEY belong together: set both, or neither.")
    client_id = take("GITHUB_CLIENT_ID", parse_client_id, None)
    client_secret = take("GITHUB_CLIENT_SECRET", parse_github_secret, None)
    if (client_id is None) != (client_secret is None) and not mistakes:
        mistakes.append("GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET belong together: set both, or neither.")
    settings = Settings(
        database_url=take("DATABASE_URL", parse_database_url, None),
        encryption_keys=take("ENCRYPTION_KEY", parse_keys, ()),
        encryption_key_file=take("ENCRYPTION_KEY_FILE", parse_absolute_path, data_dir / "encryption.key"),
        session_secret=take("SESSION_SECRET", parse_session_secret, None),
        host=take("BAKERY_HOST", parse_listen_address, "127.0.0.1"),
        port=take("BAKERY_PORT", parse_listen_port, 4100),
        base_url=take("BAKERY_BASE_URL", parse_base_url, None),
        trusted_proxies=take("BAKERY_TRUSTED_PROXIES", parse_addresses, ()),
        public_ip=take("BAKERY_PUBLIC_IP", parse_address, None),
        apps_domain=take("BAKERY_APPS_DOMAIN", parse_domain, "localhost"),
        dns_resolvers=take("BAKERY_DNS_RESOLVERS", parse_dns_servers, ()),
        acme_directory=take("BAKERY_ACME_DIRECTORY", parse_acme_directory, LETSENCRYPT) or None,
        acme_email=take("BAKERY_ACME_EMAIL", parse_email, None),
        drift_every=take("BAKERY_DRIFT_MINUTES", parse_minutes, timedelta(minutes=30)) or None,
        acme_eab_kid=account_id,
        acme_eab_key=account_key,
        acme_ca=take("BAKERY_ACME_CA", parse_pem_file, None),
        github_client_id=client_id,
        github_client_secret=client_secret,
        github_url=take("GITHUB_URL", parse_github_url, PUBLIC),
        data_dir=data_dir,
        node_dir=take("BAKERY_NODE_DIR", parse_absolute_path, state / "node"),
        logs_dir=take("BAKERY_LOGS_DIR", parse_absolute_path, data_dir / "logs"),
        log_level=take("BAKERY_LOG", parse_log_level, "info"),
        job_log_bytes=take("BAKERY_JOB_LOG_MB", parse_megabytes, 512 * MEGABYTE),
        admin_email=email,
        admin_password=password,
        development=take("BAKERY_DEVELOPMENT", parse_switch, default=False),
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
    given = {*environ, *(read_dotenv(dotenv) if dotenv else ())}
    unknown = sorted(name for name in given - known - _OF_OTHERS if name.startswith("BAKERY_"))
    return [f"{name} is not a setting of Bakery{_meant(name, known)}" for name in unknown]


def _meant(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, sorted(known), n=1)
    return f"; do you mean {close[0]}?" if close else "."
