"""A program that is sent to a machine and prints, as one line of JSON, what the machine is.

It is read as text and run there by any Python from 3.9 on, so it imports only the standard library.
Its one argument is a folder; the free disk space is that of its nearest existing parent.
"""

from __future__ import annotations

import ipaddress
import json
import os
import platform
import pwd
import shutil
import socket
import subprocess
import sys
from pathlib import Path

_DOCUMENTATION_ADDRESS = ("192.0.2.1", 9)  # RFC 5737; nothing is sent to it
_DOCUMENTATION_IPV6 = ("2001:db8::1", 9)  # RFC 3849; likewise
_IPV6_ADDRESSES = Path("/proc/net/if_inet6")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_PASSING = 0x01 | 0x08 | 0x20 | 0x40  # of if_addr.h: temporary, taken by another, deprecated, not proven yet


def look(folder: Path) -> dict[str, object]:
    user = pwd.getpwuid(os.geteuid())
    nginx = _program("nginx")
    return {
        "user": user.pw_name,
        "is_root": os.geteuid() == 0,
        "home": user.pw_dir,
        "has_systemd": Path("/run/systemd/system").is_dir(),  # as sd_booted(3) does
        "has_docker": Path("/var/run/docker.sock").exists(),
        "nginx": nginx,
        "nginx_settings": _nginx_settings(nginx) if nginx else None,
        "python": platform.python_version(),
        "disk_free_bytes": shutil.disk_usage(_nearest_existing(folder)).free,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "cpus": len(os.sched_getaffinity(0)),
        "address": _outward_address(),
        "has_ipv6": _IPV6_ADDRESSES.exists(),
        "ipv6": lasting_ipv6(_IPV6_ADDRESSES.read_text(), _outward_ipv6()) if _IPV6_ADDRESSES.exists() else None,
    }


def _program(name: str) -> str | None:
    return shutil.which(name, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")


def _nginx_settings(nginx: str) -> str:
    """The path of the main file that this nginx was built to read."""
    built = subprocess.run([nginx, "-V"], capture_output=True, text=True, timeout=10, check=False).stderr
    words = (word for word in built.split() if word.startswith("--conf-path="))
    return next(words, "--conf-path=/etc/nginx/nginx.conf").partition("=")[2]


def _nearest_existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _outward_address() -> str | None:
    """The address that packets to the internet leave from: public on most servers, else that of the local network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_DOCUMENTATION_ADDRESS)
        except OSError:
            return None
        return str(probe.getsockname()[0])


def _outward_ipv6() -> str | None:
    """None: no way leads to the internet by IPv6, whatever addresses there are."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.connect(_DOCUMENTATION_IPV6)
            return str(probe.getsockname()[0])
    except OSError:
        return None


def lasting_ipv6(listed: str, outward: str | None) -> str | None:
    """The public address of those in `listed`, as the kernel has them, that stays the machine's: the outward one, or
    where that one is there for a while only, one of the same network."""
    if outward is None:
        return None
    used = ipaddress.IPv6Address(outward.partition("%")[0])
    lasting = [
        ipaddress.IPv6Address(int(words[0], 16))
        for words in map(str.split, listed.splitlines())
        if not int(words[4], 16) & _PASSING
    ]
    near = sorted(
        (one for one in lasting if one.is_global and one in _GLOBAL_UNICAST and int(one) >> 64 == int(used) >> 64),
        key=lambda one: (one != used, one),
    )
    return str(near[0]) if near else None


if __name__ == "__main__":
    sys.stdout.write(json.dumps(look(Path(sys.argv[1]))) + "\n")
