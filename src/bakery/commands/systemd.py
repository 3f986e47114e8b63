"""systemd units: the text of a unit file, of its environment file, and the `systemctl` commands.

The quoting follows systemd.syntax(7), systemd.service(5) and systemd.exec(5). A value never becomes a second directive:
words are quoted, specifiers doubled, and variables are not expanded by systemd at all (the `:` before the program).
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from bakery.commands.command import Command, command
from bakery.model.errors import BadInput
from bakery.model.names import UnitName
from bakery.model.secret import Secret
from bakery.model.unit import Limits, UnitSpec

UNIT_FOLDER = PurePosixPath("/etc/systemd/system")

_PLAIN_PATH = re.compile(r"/[^\x00-\x1f\x7f\"'\\*?\[\]]*(?<! )")
_ESCAPES = {"\\": r"\\", '"': r"\"", "%": "%%", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
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


def unit_file(name: UnitName) -> PurePosixPath:
    return UNIT_FOLDER / f"{name}.service"


def render_unit(unit: UnitSpec, environment_file: PurePosixPath) -> str:
    """The log is a file and not the journal, so that it reads alike on nodes without systemd."""
    account = f"User={unit.account}\nGroup={unit.account}\n" if unit.account else ""
    writable = "".join(f"ReadWritePaths={_word(_path(path))}\n" for path in unit.writable)
    program, *arguments = unit.argv
    return f"""\
# Written by Bakery. Changes here are lost with the next deployment.
[Unit]
Description={unit.name}
After=network.target
StartLimitIntervalSec=0

[Service]
Type=exec
{account}WorkingDirectory={_specifiers_doubled(_path(unit.folder))}
EnvironmentFile={_specifiers_doubled(_path(environment_file))}
ExecStart={" ".join([_word(":" + _path(PurePosixPath(program))), *map(_word, arguments)])}
Restart=always
RestartSec=1
TimeoutStopSec={unit.stop_seconds}
StandardOutput=append:{_specifiers_doubled(_path(unit.log_file))}
StandardError=inherit
{_limits(unit.limits)}{_SANDBOX}{writable}
[Install]
WantedBy=multi-user.target
"""


def render_control_plane(argv: Sequence[str], folder: PurePosixPath, environment_file: PurePosixPath) -> str:
    """The unit of Bakery itself."""
    program, *arguments = argv
    return f"""\
# Written by scripts/up. Changes here are lost when it runs again.
[Unit]
Description=Bakery, the deployment manager
After=network-online.target nginx.service
Wants=network-online.target

[Service]
Type=exec
WorkingDirectory={_specifiers_doubled(_path(folder))}
EnvironmentFile={_specifiers_doubled(_path(environment_file))}
ExecStart={" ".join([_word(":" + _path(PurePosixPath(program))), *map(_word, arguments)])}
Restart=always
RestartSec=2
TimeoutStopSec=40
KillMode=mixed

[Install]
WantedBy=multi-user.target
"""


def render_environment(variables: Mapping[str, Secret]) -> Secret:
    """The text of an EnvironmentFile. In double quotes only these four characters mean something."""
    return Secret("".join(f'{name}="{_environment_value(value)}"\n' for name, value in variables.items()))


def reload_units() -> Command:
    return command("systemctl", "daemon-reload")


def start_unit(name: UnitName) -> Command:
    return command("systemctl", "start", "--", f"{name}.service")


def enable_unit(name: UnitName) -> Command:
    return command("systemctl", "enable", "--", f"{name}.service")


def stop_unit(name: UnitName, *, within: float) -> Command:
    return command("systemctl", "stop", "--", f"{name}.service", timeout=within)


def disable_unit(name: UnitName) -> Command:
    return command("systemctl", "disable", "--", f"{name}.service")


def show_unit(name: UnitName) -> Command:
    properties = "ActiveState,MainPID,NRestarts,ExecMainCode,ExecMainStatus"
    return command("systemctl", "show", f"--property={properties}", "--", f"{name}.service")


def _environment_value(value: Secret) -> str:
    return re.sub(r'(["\\`$])', r"\\\1", value.reveal())


def _limits(limits: Limits) -> str:
    memory = "" if limits.memory_bytes is None else f"MemoryMax={limits.memory_bytes}\n"
    cpu = "" if limits.cpu_percent is None else f"CPUQuota={limits.cpu_percent}%\n"
    return memory + cpu


def _word(text: str) -> str:
    escaped = "".join(_ESCAPES.get(character, _control_escaped(character)) for character in text)
    return f'"{escaped}"'


def _control_escaped(character: str) -> str:
    return f"\\x{ord(character):02x}" if ord(character) < ord(" ") or character == "\x7f" else character


def _path(path: PurePosixPath) -> str:
    """Several directives take a path as it stands, without quotes, and some expand patterns: so it has to be plain."""
    if _PLAIN_PATH.fullmatch(str(path)):
        return str(path)
    raise BadInput(
        f"“{path}” cannot be used in a systemd unit.",
        field="folder",
        hint="Use an absolute path without quotes, backslashes, *, ?, [ and control characters.",
    )


def _specifiers_doubled(text: str) -> str:
    return text.replace("%", "%%")
