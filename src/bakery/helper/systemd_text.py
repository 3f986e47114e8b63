"""systemd: the text of the files that it reads, made from checked values.

The quoting follows systemd.syntax(7), systemd.service(5) and systemd.exec(5). A value never becomes a second directive:
words are quoted, specifiers doubled, and variables are not expanded by systemd at all (the `:` before the program).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath

from bakery.helper.words import hinted

PATH_HINT = "Use an absolute path without quotes, backslashes, *, ?, [ and control characters."
_PLAIN_PATH = re.compile(r"/[^\x00-\x1f\x7f\"'\\*?\[\]]*(?<! )")
_ESCAPES = {"\\": r"\\", '"': r"\"", "%": "%%", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
_LAST_OF_PLANES = "".join(map(chr, (plane << 16 | last for plane in range(17) for last in (0xFFFE, 0xFFFF))))
_NO_CHARACTER = re.compile(f"[\ufdd0-\ufdef{_LAST_OF_PLANES}]")
_SANDBOX = """\
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
PrivateTmp=yes
PrivateDevices=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
UMask=0027
"""


def unit(
    name: str,
    argv: Sequence[str],
    *,
    account: str,
    folder: PurePath,
    environment_file: PurePath,
    log_file: PurePath,
    writable: Iterable[PurePath] = (),
    memory_bytes: int | None = None,
    cpu_percent: int | None = None,
    stop_seconds: int = 10,
) -> str:
    """The log is a file and not the journal, so that it reads alike on nodes without systemd."""
    memory = "" if memory_bytes is None else f"MemoryMax={memory_bytes}\nMemorySwapMax=0\n"
    cpu = "" if cpu_percent is None else f"CPUQuota={cpu_percent}%\n"
    paths = "".join(f"ReadWritePaths={_word(_plain(str(path)))}\n" for path in writable)
    return f"""\
# Written by Bakery. Changes here are lost with the next deployment.
[Unit]
Description={name}
After=network.target
StartLimitIntervalSec=0

[Service]
Type=exec
User={account}
Group={account}
WorkingDirectory={path_as_it_stands(folder)}
EnvironmentFile={path_as_it_stands(environment_file)}
ExecStart={command_line(argv)}
Restart=always
RestartSec=1
TimeoutStopSec={stop_seconds}
StandardOutput=append:{path_as_it_stands(log_file)}
StandardError=inherit
{memory}{cpu}{_SANDBOX}{paths}
[Install]
WantedBy=multi-user.target
"""


def environment(variables: Mapping[str, str]) -> str:
    """The text of an EnvironmentFile. In double quotes only these four characters mean something."""
    return "".join('{}="{}"\n'.format(name, re.sub(r'(["\\`$])', r"\\\1", text)) for name, text in variables.items())


def command_line(argv: Sequence[str]) -> str:
    """For ExecStart. A program by its path: what stands before one there can give it more rights."""
    program, *arguments = argv
    return " ".join([_word(":" + _plain(program)), *map(_word, arguments)])


def path_as_it_stands(path: PurePath) -> str:
    """For the directives that take a path to the end of the line, and no quotes."""
    return _plain(str(path)).replace("%", "%%")


def is_plain(path: str) -> bool:
    """Several directives take a path without quotes, and some expand patterns."""
    return bool(_PLAIN_PATH.fullmatch(path)) and is_readable(path)


def is_readable(text: str) -> bool:
    """systemd takes what Unicode says will never be a character for no UTF-8."""
    return not _NO_CHARACTER.search(text)


def _plain(path: str) -> str:
    if not is_plain(path):
        sys.exit(hinted(f"“{path}” cannot be used in a systemd unit.", PATH_HINT))
    return path


def _word(text: str) -> str:
    escaped = "".join(_ESCAPES.get(character, _control_escaped(character)) for character in text)
    return f'"{escaped}"'


def _control_escaped(character: str) -> str:
    return f"\\x{ord(character):02x}" if ord(character) < ord(" ") or character == "\x7f" else character
