"""The unit of Bakery itself. Those of apps are the helper's, and what both have in common is there."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from bakery.helper import systemd_text
from bakery.model.errors import BadInput
from bakery.model.secret import Secret


def render_control_plane(argv: Sequence[str], folder: PurePosixPath, environment_file: PurePosixPath) -> str:
    for path in (argv[0], folder, environment_file):
        _expect_plain(str(path))
    return f"""\
# Written by scripts/up. Changes here are lost when it runs again.
[Unit]
Description=Bakery, the deployment manager
After=network-online.target nginx.service
Wants=network-online.target

[Service]
Type=exec
WorkingDirectory={systemd_text.path_as_it_stands(folder)}
EnvironmentFile={systemd_text.path_as_it_stands(environment_file)}
ExecStart={systemd_text.command_line(argv)}
Restart=always
RestartSec=2
TimeoutStopSec=40
KillMode=mixed

[Install]
WantedBy=multi-user.target
"""


def render_environment(variables: Mapping[str, Secret]) -> Secret:
    """The text of its EnvironmentFile."""
    return Secret(systemd_text.environment({name: value.reveal() for name, value in variables.items()}))


def _expect_plain(path: str) -> None:
    if not systemd_text.is_plain(path):
        raise BadInput(f"“{path}” cannot be used in a systemd unit.", field="folder", hint=systemd_text.PATH_HINT)
