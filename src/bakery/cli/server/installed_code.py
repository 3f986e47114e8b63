"""Which code runs in the background: after an update it is another than what lies here."""

import hashlib
import sys
from pathlib import Path

import bakery
from bakery.settings import Settings


def fingerprint(folder: Path = Path(bakery.__file__).parent, venv: Path = Path(sys.prefix)) -> str:
    """Of every file of Bakery, and of what scripts/up installed beside it."""
    digest = hashlib.sha256(bakery.__version__.encode())
    for path in sorted([*folder.rglob("*"), venv / "installed.sha256"]):
        if path.is_file() and path.suffix != ".pyc":
            content = path.read_bytes()
            digest.update(f"{path} {len(content)}\n".encode(errors="surrogateescape") + content)
    return digest.hexdigest()


def is_noted(settings: Settings, code: str) -> bool:
    """Whether the process that was started last was started from it."""
    try:
        return _note(settings).read_text() == code
    except OSError:
        return False


def note(settings: Settings, code: str) -> None:
    _note(settings).write_text(code)


def _note(settings: Settings) -> Path:
    return settings.data_dir / "bakery.code"
