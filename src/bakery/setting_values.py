"""How the value of each setting is written. What is not raises a sentence that says why."""

import re
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from bakery.model.certificates import LETSENCRYPT, STAGING
from bakery.model.errors import BadInput
from bakery.model.github import parse_client_secret
from bakery.model.secret import Secret

MEGABYTE = 1024 * 1024
_MOST_MEGABYTES = 100_000


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


def parse_absolute_path(text: str) -> Path:
    path = Path(text).expanduser()
    if not path.is_absolute() or "\0" in text:
        raise ValueError(f"“{text}” is not an absolute path.")
    return path


def parse_database_url(text: str) -> Secret:
    if urlsplit(text).scheme not in {"postgres", "postgresql"}:
        raise ValueError("it is not an address like postgresql://user:password@host/database.")
    return Secret(text)


def parse_keys(text: str) -> tuple[Secret, ...]:
    return tuple(Secret(part.strip()) for part in text.split(","))


def parse_session_secret(text: str) -> Secret:
    if len(text) < 32:
        raise ValueError("it is shorter than 32 characters.")
    return Secret(text)


def parse_listen_address(text: str) -> str:
    if text == "localhost":
        return "127.0.0.1"
    try:
        return str(ip_address(text.strip("[]")))
    except ValueError:
        raise ValueError(
            f"“{text}” is not an IP address; use 127.0.0.1 for this machine only or 0.0.0.0 for all."
        ) from None


def parse_listen_port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise ValueError(f"“{text}” is not a port between 1 and 65535.")
    return int(text)


def parse_minutes(text: str) -> timedelta:
    if not text.isascii() or not text.isdigit() or not 0 <= int(text) <= 1440:
        raise ValueError(f"“{text}” is not a number of minutes from 0 to 1440.")
    return timedelta(minutes=int(text))


def parse_addresses(text: str) -> tuple[str, ...]:
    return tuple(parse_address(part) for part in text.split(","))


def parse_dns_servers(text: str) -> tuple[tuple[str, int], ...]:
    return tuple(_dns_server(part.strip()) for part in text.split(","))


def _dns_server(text: str) -> tuple[str, int]:
    """An address, perhaps with a port, which an IPv6 address has after brackets."""
    found = re.fullmatch(r"\[([0-9a-fA-F:.]+)\](?::([0-9]+))?|([0-9.]+):([0-9]+)", text)
    address, port = (found[1] or found[3], found[2] or found[4]) if found else (text, None)
    return parse_address(address), parse_listen_port(port) if port else 53


def parse_acme_directory(text: str) -> str:
    """Empty: nobody's."""
    known = {"letsencrypt": LETSENCRYPT, "staging": STAGING, "none": ""}
    if text in known:
        return known[text]
    if not re.fullmatch(r"https://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?(/[A-Za-z0-9._~/%-]{0,300})?", text):
        raise ValueError(f"“{text}” is none of letsencrypt, staging and none, nor an address with https://.")
    return text


def parse_account_id(text: str) -> str:
    if not re.fullmatch(r"[!-~]{1,500}", text):
        raise ValueError("it is not one word of ASCII.")
    return text


def parse_account_key(text: str) -> Secret:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,500}={0,2}", text):
        raise ValueError("it is not written in base64url.")
    return Secret(text)


def parse_github_secret(text: str) -> Secret:
    return parse_client_secret(Secret(text))


def parse_pem_file(text: str) -> str:
    try:
        pem = parse_absolute_path(text).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{text} cannot be read: {error}.") from error
    if "-----BEGIN CERTIFICATE-----" not in pem or not pem.isascii():
        raise ValueError(f"{text} holds no certificate in PEM.")
    return pem


def parse_log_level(text: str) -> str:
    if text not in {"debug", "info", "warning", "error"}:
        raise ValueError(f"“{text}” is not one of debug, info, warning and error.")
    return text


def parse_megabytes(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6 or not 1 <= int(text) <= _MOST_MEGABYTES:
        raise ValueError(f"“{text}” is not a number of megabytes between 1 and {_MOST_MEGABYTES}.")
    return int(text) * MEGABYTE


def parse_switch(text: str) -> bool:
    if text not in {"0", "1"}:
        raise ValueError(f"“{text}” is neither 0 nor 1.")
    return text == "1"
