"""The C library, for what Python has no words for."""

from __future__ import annotations

import ctypes

PR_SET_NO_NEW_PRIVS = 38
LIBC = ctypes.CDLL(None, use_errno=True)
