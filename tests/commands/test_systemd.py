from pathlib import PurePosixPath

import pytest

from bakery.commands import systemd
from bakery.model.errors import BadInput
from bakery.model.secret import Secret


def test_bakerys_own_unit_in_full() -> None:
    text = systemd.render_control_plane(
        ["/srv/my bakery/bin/bakery", "serve", "--port", "4100"],
        PurePosixPath("/srv/my bakery"),
        PurePosixPath("/var/lib/bakery/100%.env"),
    )
    assert (
        text
        == """# Written by scripts/up. Changes here are lost when it runs again.
[Unit]
Description=Bakery, the deployment manager
After=network-online.target nginx.service
Wants=network-online.target

[Service]
Type=exec
WorkingDirectory=/srv/my bakery
EnvironmentFile=/var/lib/bakery/100%%.env
ExecStart=":/srv/my bakery/bin/bakery" "serve" "--port" "4100"
Restart=always
RestartSec=2
TimeoutStopSec=40
KillMode=mixed

[Install]
WantedBy=multi-user.target
"""
    )


def test_its_variables_stay_a_secret() -> None:
    assert systemd.render_environment({"KEY": Secret('say "$5"\n')}) == Secret('KEY="say \\"\\$5\\"\n"\n')


@pytest.mark.parametrize("folder", ["/srv/a\nUser=nobody", "/srv/*", "/srv/a'b", "relative"])
def test_a_clone_where_systemd_would_read_another_path_is_refused(folder: str) -> None:
    with pytest.raises(BadInput, match="cannot be used in a systemd unit"):
        systemd.render_control_plane(["/bin/true"], PurePosixPath(folder), PurePosixPath("/srv/env"))
