"""The file `.env`: a line for each setting, NAME=value."""

import re
from pathlib import Path

from bakery.model.errors import NotReady


def read_dotenv(path: Path) -> dict[str, str]:
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
