"""System users, one an environment, so that apps cannot read each other's files."""

import hashlib

from bakery.commands.command import Command, command
from bakery.model.names import AppName, EnvironmentName


def account_name(app: AppName, environment: EnvironmentName) -> str:
    """Stable and short: Linux allows 32 characters, fewer than an app and an environment may need together."""
    digest = hashlib.sha256(f"{app}/{environment}".encode()).hexdigest()
    return f"bk-{digest[:16]}"


def find_account(name: str) -> Command:
    return command("getent", "passwd", name)


def add_account(name: str) -> Command:
    return command(
        "useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
        "--shell", "/usr/sbin/nologin", name,
    )  # fmt: skip


def remove_account(name: str) -> Command:
    return command("userdel", name)
