"""The images of nodes: a small Debian with all that a server of Bakery may have, and a bare one. Made once and kept."""

import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from tests.lab.docker import Docker
from tests.lab.errors import LabError

REPOSITORY = "bakery-lab-nodes"
RELEASE = "bookworm"


class Image(StrEnum):
    FULL = "full"
    BARE = "bare"  # a server as it is delivered: it boots, and lets root in over SSH


_BARE = ("systemd", "systemd-sysv", "dbus", "openssh-server")
PACKAGES: Mapping[Image, tuple[str, ...]] = {
    Image.FULL: (
        *_BARE, "sudo", "procps", "iproute2", "iptables", "ca-certificates",
        "nginx-light", "git", "curl", "docker.io", "python3", "python3-venv",
    ),
    Image.BARE: _BARE,
}  # fmt: skip
# What a container has no use for, or what would hold apt's lock when a test wants it.
MASKED = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service",
    "fstrim.timer", "getty@tty1.service", "systemd-modules-load.service",
)  # fmt: skip
# Host keys and the machine's id are made at the first boot: no two nodes may share them.
LEFT_OUT = (
    "./etc/ssh/ssh_host_*", "./var/lib/dbus/machine-id",
    "./var/cache/apt/archives/*.deb", "./var/lib/apt/lists/*", "./var/log/*.log",
)  # fmt: skip
FILES = {
    "etc/machine-id": "",
    "etc/systemd/system/ssh.service.d/host-keys.conf": (
        "[Service]\nExecStartPre=\nExecStartPre=/usr/bin/ssh-keygen -A\nExecStartPre=/usr/sbin/sshd -t\n"
    ),
}
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_WORK = "image-"


def ensure_images(docker: Docker, folder: Path, public_key: str) -> Mapping[Image, str]:
    """The images' names; what is missing for this recipe and this key is made."""
    for left_by_a_killed_build in folder.glob(f"{_WORK}*"):
        shutil.rmtree(left_by_a_killed_build, ignore_errors=True)
    names = image_names(public_key)
    missing = [image for image in Image if docker.attempt("image", "inspect", names[image]).returncode != 0]
    if missing:
        # A folder of its own for each attempt: what a killed one started may write on for a moment.
        with tempfile.TemporaryDirectory(prefix=_WORK, dir=folder) as work:
            downloads = Path(work) / "downloads"
            downloads.mkdir()
            for image in missing:
                _build(docker, Path(work), image, names[image], public_key)
    return names


def image_names(public_key: str) -> Mapping[Image, str]:
    fingerprint = _fingerprint(public_key)
    return {image: f"{REPOSITORY}:{image}-{fingerprint}" for image in Image}


def remove_other_images(docker: Docker, public_key: str) -> None:
    """Of other recipes. Only for the last one to leave: another clone of Bakery may start its nodes from them."""
    ours = set(image_names(public_key).values())
    for other in docker.run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", REPOSITORY).split():
        if other not in ours:
            docker.attempt("image", "rm", other)  # the engine keeps those that a node still runs


def _fingerprint(public_key: str) -> str:
    """Of all that decides what the images hold; this file is the recipe."""
    recipe = hashlib.sha256(Path(__file__).read_bytes())
    recipe.update(public_key.encode())
    recipe.update(CERTIFICATES.read_bytes())
    return recipe.hexdigest()[:16]


def _build(docker: Docker, work: Path, image: Image, name: str, public_key: str) -> None:
    """Only the last command makes the name known, so a build that was killed is done again."""
    root, archive = work / image, work / f"{image}.tar"
    # In a mount namespace of its own: debootstrap mounts /proc below the root and may be killed before it unmounts.
    _call(
        "unshare", "--mount", "debootstrap", "--variant=minbase", f"--cache-dir={work / 'downloads'}",
        f"--include={','.join(PACKAGES[image])}", RELEASE, str(root),
    )  # fmt: skip
    for path, text in {**FILES, "root/.ssh/authorized_keys": public_key}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    if "ca-certificates" in PACKAGES[image]:
        _trust_what_this_machine_trusts(root)
    _call("chroot", str(root), "systemctl", "mask", *MASKED)
    _call("tar", "-C", str(root), *(f"--exclude={pattern}" for pattern in LEFT_OUT), "-cf", str(archive), ".")
    docker.run("import", "--change", 'CMD ["/sbin/init"]', str(archive), name, timeout=300)


def _trust_what_this_machine_trusts(root: Path) -> None:
    """Downloads inside a node go the way that this machine's do, past whatever inspects TLS here."""
    known = (root / CERTIFICATES.relative_to("/")).read_text()
    ours = re.findall(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", CERTIFICATES.read_text(), re.DOTALL)
    for number, certificate in enumerate(one for one in ours if one not in known):
        (root / f"usr/local/share/ca-certificates/lab-{number}.crt").write_text(certificate + "\n")
    _call("chroot", str(root), "update-ca-certificates")


def _call(*argv: str) -> None:
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode != 0:
        raise LabError(f"A lab's image cannot be made, {argv[0]} failed:\n{(done.stdout + done.stderr)[-2000:]}")
