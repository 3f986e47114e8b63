"""The text that systemd reads: whatever a value holds, it stays a value."""

import re
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakery.helper import systemd_text

TEXT = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def a_unit(*arguments: str, folder: str = "/srv/shop", environment_file: str = "/srv/env") -> str:
    return systemd_text.unit(
        "bakery-shop-production-blue",
        ["/usr/bin/env", *arguments],
        account="bk-1",
        folder=PurePosixPath(folder),
        environment_file=PurePosixPath(environment_file),
        log_file=PurePosixPath("/var/lib/bakery/node/logs/bakery-shop-production-blue.log"),
        writable=[PurePosixPath("/srv/shop data")],
        memory_bytes=268435456,
        cpu_percent=150,
    )


def test_a_unit_file_in_full() -> None:
    text = a_unit("python3", "app.py", "50%", "$HOME", 'say "hi"', environment_file="/srv/100%.env")
    assert (
        text
        == r"""# Written by Bakery. Changes here are lost with the next deployment.
[Unit]
Description=bakery-shop-production-blue
After=network.target
StartLimitIntervalSec=0

[Service]
Type=exec
User=bk-1
Group=bk-1
WorkingDirectory=/srv/shop
EnvironmentFile=/srv/100%%.env
ExecStart=":/usr/bin/env" "python3" "app.py" "50%%" "$HOME" "say \"hi\""
Restart=always
RestartSec=1
TimeoutStopSec=10
StandardOutput=append:/var/lib/bakery/node/logs/bakery-shop-production-blue.log
StandardError=inherit
MemoryMax=268435456
MemorySwapMax=0
CPUQuota=150%
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
ReadWritePaths="/srv/shop data"

[Install]
WantedBy=multi-user.target
"""
    )


@given(st.lists(TEXT))
def test_no_argument_breaks_out_of_its_place(arguments: list[str]) -> None:
    text = a_unit(*arguments)
    directives = [line for line in text.split("\n") if line.startswith("ExecStart=")]
    assert text.count("\n") == a_unit().count("\n")
    assert words_as_systemd_reads_them(directives[0].removeprefix("ExecStart=")) == [":/usr/bin/env", *arguments]


@given(st.dictionaries(st.from_regex(r"[A-Z_]{1,9}", fullmatch=True), TEXT, max_size=4))
def test_a_variable_arrives_byte_for_byte(variables: dict[str, str]) -> None:
    assert variables_as_systemd_reads_them(systemd_text.environment(variables)) == variables


@pytest.mark.parametrize("folder", ["/srv/a\nUser=root", "/srv/*", "/srv/a'b", "/srv/a\\", "/srv/a ", "relative"])
def test_a_path_that_systemd_would_read_differently_is_refused(folder: str) -> None:
    with pytest.raises(SystemExit, match="cannot be used in a systemd unit"):
        a_unit(folder=folder)


@pytest.mark.parametrize("text", ["\ufdd0", "a\ufffe", "\U0010ffff"])
def test_what_is_no_character_is_known_to_be_none_for_systemd(text: str) -> None:
    assert [systemd_text.is_readable(one) for one in (text, "\ufeff\ufdcf\ufdf0\U0010fffd")] == [False, True]


def words_as_systemd_reads_them(line: str) -> list[str]:
    """extract_first_word() with EXTRACT_UNQUOTE and EXTRACT_CUNESCAPE, then the specifiers; only double quotes."""
    words = []
    rest = line
    while rest:
        quoted = re.match(r'"((?:[^"\\]|\\.)*)"(?: |$)', rest)
        assert quoted, rest
        rest = rest[quoted.end() :]
        unescaped = re.sub(r"\\(x[0-9a-f]{2}|.)", _unescape, quoted[1])
        assert not re.search(r"(?<!%)(%%)*%(?!%)", unescaped)
        words.append(unescaped.replace("%%", "%"))
    return words


def _unescape(escape: re.Match[str]) -> str:
    code = escape[1]
    if code.startswith("x"):
        return chr(int(code[1:], 16))
    return {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"'}[code]


def variables_as_systemd_reads_them(text: str) -> dict[str, str]:
    """The states of parse_env_file() that a double-quoted value goes through."""
    variables = {}
    for name, value in re.findall(r'([A-Z_]+)="((?:[^"\\]|\\["\\`$])*)"\n', text):
        variables[name] = re.sub(r'\\(["\\`$])', r"\1", value)
    return variables
