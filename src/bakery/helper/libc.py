"""The C library, for what Python has no words for."""

from __future__ import annotations

import ctypes
import os

PR_SET_NO_NEW_PRIVS = 38
LIBC = ctypes.CDLL(None, use_errno=True)

_KEYCTL = {"x86_64": 250, "aarch64": 219, "riscv64": 219, "i686": 288, "armv7l": 311}  # as the kernel numbers its calls
_JOIN_SESSION_KEYRING = 1


def leave_keyring() -> None:
    """A new session keyring, as systemd gives each service: that of our login would be shared by all that we start."""
    number = _KEYCTL.get(os.uname().machine)
    if number is not None:  # a kernel or a container without keys refuses, and has none to share
        LIBC.syscall(number, _JOIN_SESSION_KEYRING, None)
