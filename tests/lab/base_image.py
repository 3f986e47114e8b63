"""A base image for Dockerfiles, made on a node of what the node itself is: no registry can be reached."""

from tests.lab.nodes import Node

BASE = "base:1"
# Python, a shell, and a few commands, with the libraries that these name.
_MAKE = """
set -e
cd "$(mktemp --directory)"
mkdir -p usr/bin usr/lib usr/lib64 tmp etc
chmod 1777 tmp
ln -s usr/bin bin
ln -s usr/lib lib
ln -s usr/lib64 lib64
cp -L /etc/passwd /etc/group etc
for one in sh cat cp env false grep id ls mkdir printenv sleep tail touch true python3; do
  cp -L "/usr/bin/$one" usr/bin
  for library in $(ldd "/usr/bin/$one" | grep --only-matching "/[^ ]*"); do
    mkdir -p ".${library%/*}"
    cp -L "$library" ".$library"
  done
done
cp -r /usr/lib/python3.11 usr/lib
tar --create --exclude=__pycache__ . | docker import - "$1"
rm -r "$PWD"
"""


def make_base_image(node: Node, name: str = BASE) -> None:
    node.run("sh", "-c", _MAKE, "sh", name, timeout=120)
