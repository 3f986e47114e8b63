"""System users, one an environment, so that apps cannot read each other's files."""

from bakery.commands.command import Command, command


def find_account(name: str) -> Command:
    return command("getent", "passwd", name)


def add_account(name: str) -> Command:
    return command(
        "useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
        "--shell", "/usr/sbin/nologin", name,
    )  # fmt: skip


def remove_account(name: str) -> Command:
    return command("userdel", name)
