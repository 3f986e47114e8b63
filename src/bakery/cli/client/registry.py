"""What opens a registry or a repository, as commands take it: never as a word of the command itself."""

from bakery.cli.client.api import Body
from bakery.cli.terminal import ask_secret, read_secret


def password_of(user: str, *, from_stdin: bool, option: str = "--password-stdin") -> str | None:
    """From stdin, or asked at the terminal for a user who is named. None: there is none."""
    if from_stdin:
        return read_secret().reveal()
    return ask_secret(f"Password or token of {user}", option=option).reveal() if user else None


def told_of_image(image: str, port: int | None, user: str, password: str | None) -> Body:
    return {"image": image, "port": port, "username": user, "token": password}
