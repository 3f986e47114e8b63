"""The lab's own SSH key, which every node accepts for root."""

import subprocess
from pathlib import Path


def ensure_key(folder: Path) -> Path:
    """The private key's path; the public one lies beside it with `.pub`."""
    key = folder / "id_ed25519"
    if not key.with_suffix(".pub").exists():
        key.unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bakery-lab", "-f", str(key)], check=True)
    return key
