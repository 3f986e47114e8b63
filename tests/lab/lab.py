"""The lab as its users see it: open it, borrow nodes, leave."""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.docker import Docker, find_client, start_engine, stop_engine
from tests.lab.errors import LabError, PortTaken
from tests.lab.image import Image, ensure_images, remove_other_images
from tests.lab.key import ensure_key
from tests.lab.locks import alone, together
from tests.lab.nodes import HTTP, HTTPS, SSH, Node, boot, remove_container
from tests.lab.ports import free_port
from tests.lab.processes import identity_of_this_process, is_alive
from tests.lab.programs import install_missing_programs

# A node's label names its owner: a process, whose nodes go with it, or BY_HAND, whose nodes stay until told to go.
OWNER = "bakery.lab.owner"
BY_HAND = "by-hand"


@dataclass(frozen=True)
class Lab:
    """An engine, images and a key: what nodes are made from."""

    docker: Docker
    images: Mapping[Image, str]
    key: Path
    downloads: Path

    def start_node(self, owner: str | None = None, *, has_systemd: bool = True, bare: bool = False) -> Node:
        """A fresh node, booted: the known state that every test begins with."""
        labels = {OWNER: owner or identity_of_this_process()}
        image = self.images[Image.BARE if bare else Image.FULL]
        while True:
            ports = {inner: free_port() for inner in (SSH, HTTP, HTTPS)}
            node = Node(f"lab-{secrets.token_hex(3)}", self.docker, self.key, ports, has_systemd)
            try:
                boot(self.docker, image, node=node, labels=labels, downloads=self.downloads)
            except PortTaken:
                continue
            return node

    @contextmanager
    def node(self, *, has_systemd: bool = True, bare: bool = False) -> Iterator[Node]:
        """A fresh node for the time of a block. A bare one has systemd and sshd, and nothing that Bakery needs."""
        node = self.start_node(has_systemd=has_systemd, bare=bare)
        try:
            yield node
        finally:
            node.remove()

    def remove_leftovers(self) -> None:
        """Remove the nodes whose owner was killed."""
        for name, owner in owners_of_nodes(self.docker).items():
            if owner != BY_HAND and not is_alive(owner):
                remove_container(self.docker, name)

    def remove_nodes_by_hand(self) -> None:
        for name, owner in owners_of_nodes(self.docker).items():
            if owner == BY_HAND:
                remove_container(self.docker, name)


@contextmanager
def open_lab() -> Iterator[Lab]:
    """Prepare all that nodes need: a minute or two the first time, a second later on."""
    if os.geteuid() != 0:
        raise LabError("The lab starts containers with systemd inside, which needs root: run this as root.")
    folder = Path(os.environ.get("BAKERY_LAB_CACHE", "/var/cache/bakery-lab"))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    preparing = folder / "preparing.lock"
    with alone(preparing):
        install_missing_programs()
        key = ensure_key(folder)
    public_key = key.with_suffix(".pub").read_text()
    docker = find_client()

    def tidy_up() -> None:
        if not docker.answers():
            return
        remove_other_images(docker, public_key)
        if not owners_of_nodes(docker):
            stop_engine(folder)

    with together(folder / "in-use.lock", last_one_out=tidy_up):
        with alone(preparing):
            start_engine(docker, folder)
            images = ensure_images(docker, folder, public_key)
            lab = Lab(docker, images, key, ensure_downloads(folder))
            lab.remove_leftovers()
        yield lab


def ensure_downloads(folder: Path) -> Path:
    downloads = folder / "downloads"
    downloads.mkdir(exist_ok=True)
    downloads.chmod(0o1777)  # like /tmp: for all users of a node; here the folder above is closed
    return downloads


def owners_of_nodes(docker: Docker) -> dict[str, str]:
    """The owner of every node there is, by the node's name."""
    template = f'{{{{.Names}}}} {{{{.Label "{OWNER}"}}}}'
    lines = docker.run("ps", "--all", "--filter", f"label={OWNER}", "--format", template).splitlines()
    return dict(line.split() for line in lines)
