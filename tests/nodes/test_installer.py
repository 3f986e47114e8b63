"""The installer as a text: what is put into it, what its functions decide, and the line that fetches and runs it.

What it does to a machine is proven in the lab.
"""

import base64
import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from bakery.nodes.installer import OPTIONS, _fill, bootstrap_line, render_installer, sha256_of

BLOB = "AAAAC3NzaC1lZDI1NTE5AAAAIFdc691eW2kq+P53rCAfTbW3eengGWEhoYOJyeCi8x3O"
KEY = f"ssh-ed25519 {BLOB}"
NEXT_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBcKYLJFIdSQCTfMUBCdL3zPfPlK7m4C8LxYyF5Q3c0V"
INSTALLATION = "0f8fad5b-d9cb-469f-a165-70867728950e"
URL = "https://bakery.example.com/install/5Lx-2_k"
HELPER = b"#!/usr/bin/python3\nprint('it\\'s \"quoted\" $HOME `id`')\n\0\xff\r\n" * 9
NOBODY = 65534
# What `sshd -T` says of a machine that lets everybody in; the tests add to it.
SSHD = """\
authenticationmethods any
pubkeyauthentication yes
authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2
allowtcpforwarding yes
disableforwarding no
"""


def script(public_key: str = KEY, installation: str = INSTALLATION, helper: bytes = HELPER) -> str:
    return render_installer(public_key=public_key, installation=installation, helper=helper)


def run_as_nobody(text: str, *options: str) -> subprocess.CompletedProcess[str]:
    """As a person who is not root, so that nothing could happen if anything ran."""
    return subprocess.run(
        ["bash", "-s", "--", *options], input=text, capture_output=True, text=True, timeout=20, check=False,
        user=NOBODY if os.geteuid() == 0 else None, cwd="/",
    )  # fmt: skip


def call(words: str, *, path: Path | None = None, program: str = "") -> subprocess.CompletedProcess[bytes]:
    """Its functions without its last line, and then these words of shell."""
    functions = (program or script()).rsplit("{ main", 1)[0]
    search = f"{path}:/usr/sbin:/usr/bin:/bin" if path else "/usr/sbin:/usr/bin:/bin"
    return subprocess.run(
        ["bash", "-s"], input=f"{functions}\n{words}\n".encode(), capture_output=True, timeout=20, check=False,
        env={"PATH": search},
    )  # fmt: skip


def system(name: str, version: str) -> str:
    """A function of the script's, as it would answer there."""
    answers = f'ID) echo {name} ;; VERSION_ID) echo {version} ;; *) echo "Some System" ;;'
    return f'os_release() {{ case "$1" in {answers} esac; }}'


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


# Rendering


def test_the_same_values_always_give_the_same_script() -> None:
    assert script() == script()
    assert sha256_of(script()) == sha256_of(script(public_key=f"{KEY} somebody@example\n"))
    assert len({sha256_of(script()), sha256_of(script(helper=b"")), sha256_of(script(public_key=NEXT_KEY))}) == 3


def test_the_digest_is_the_one_that_sha256sum_finds() -> None:
    found = subprocess.check_output(["sha256sum"], input=script().encode()).split()[0]
    assert sha256_of(script()) == found.decode()


def test_bash_understands_it() -> None:
    subprocess.run(["bash", "-n"], input=script().encode(), check=True)


def test_the_values_arrive_as_they_are() -> None:
    said = call('printf "%s|%s|" "$KEY" "$INSTALLATION"; helper_program').stdout
    assert said == f"{KEY}|{INSTALLATION}|".encode() + HELPER


@pytest.mark.parametrize(
    "key",
    [
        "",
        "ssh-ed25519",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7",
        f'command="id" {KEY}',
        f" {KEY}",
        f"{KEY}=",
        f"{KEY}\n{KEY}",
        f"{KEY} a comment of words",
        f"{KEY} $(id)",
        f"{KEY} '; id #",
        KEY.replace("+", "$"),
        KEY.replace("+", "'"),
        f"{KEY}\0",
        f"ssh-ed25519\t{BLOB}",
    ],
)
def test_only_an_ed25519_public_key_is_put_in(key: str) -> None:
    with pytest.raises(ValueError, match=r"^This is not an Ed25519 public key\.$"):
        script(public_key=key)


@pytest.mark.parametrize(
    "installation",
    ["", "1", f"{INSTALLATION}\n", f" {INSTALLATION}", INSTALLATION.upper(), INSTALLATION[:-1] + "'", "$(id)", "@KEY@"],
)
def test_only_a_uuid_is_put_in(installation: str) -> None:
    with pytest.raises(ValueError, match=r"^This is not an installation's id\.$"):
        script(installation=installation)


@pytest.mark.parametrize("value", ["", "it's", "$(id)", "`id`", '"', "\\", "a\nb", "; id", "@KEY@", "é", "*"])
def test_whatever_is_put_in_is_one_word_of_the_shell(value: str) -> None:
    text = _fill("printf '[%s]' @KEY@", {"KEY": value})
    assert subprocess.check_output(["bash", "-c", text]).decode() == f"[{value}]"


# Starting it


def test_whoever_is_not_root_reads_one_sentence() -> None:
    ran = run_as_nobody(script())
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "install-node.sh: only root can install. Run it with sudo: sudo bash install-node.sh\n"


def test_of_a_download_that_was_cut_off_nothing_runs() -> None:
    text = script().rstrip("\n")
    cuts = [*range(0, len(text), len(text) // 25), *range(len(text) - 25, len(text))]
    for cut in cuts:
        ran = run_as_nobody(text[:cut], "--help")
        assert ran.stdout == "", f"cut at {cut} of {len(text)}"
        assert "only root" not in ran.stderr
    assert "--check" in run_as_nobody(text, "--help").stdout


def test_help_names_every_option() -> None:
    ran = run_as_nobody(script(), "--help")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert all(f"  {option} " in ran.stdout for option in OPTIONS)


@pytest.mark.parametrize("options", [["--frobnicate"], ["--with"], ["--with", "mysql"], ["--check", "now"]])
def test_an_unknown_option_shows_the_known_ones(options: Sequence[str]) -> None:
    ran = run_as_nobody(script(), *options)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "--take-over" in ran.stderr


@pytest.mark.parametrize(
    ("name", "version", "is_known"),
    [
        ("debian", "12", True),
        ("debian", "13", True),
        ("ubuntu", "22.04", True),
        ("ubuntu", "24.04", True),
        ("debian", "11", False),
        ("debian", "", False),
        ("ubuntu", "23.10", False),
        ("fedora", "41", False),
    ],
)
def test_it_knows_the_systems_that_it_was_made_for(name: str, version: str, *, is_known: bool) -> None:
    ran = call(f"{system(name, version)}\nexpect_known_system")
    assert ran.returncode == (0 if is_known else 1)
    assert ran.stderr.decode() == (
        ""
        if is_known
        else "install-node.sh: this is Some System. "
        "A node of Bakery is a Debian 12 or 13, or an Ubuntu 22.04 or 24.04.\n"
    )


# What it decides


def test_another_package_that_brings_the_same_is_good_too(tmp_path: Path) -> None:
    installed = "docker-ce|'postgresql-client-[0-9]*'|git|nginx-extras|sudo|python3"
    program(
        tmp_path,
        "dpkg-query",
        f'case "$3" in {installed}) echo installed ;; curl) echo config-files ;; *) exit 1 ;; esac',
    )
    ran = call(f"with_postgres=yes\n{system('debian', '12')}\nmissing_packages", path=tmp_path)
    depend_on_this_machine = ("certbot", "python3-certbot-dns-rfc2136", "apparmor")
    missing = [package for package in ran.stdout.decode().split() if package not in depend_on_this_machine]
    assert missing == ["curl", "ca-certificates", "build-essential", "postgresql"]


def test_the_next_key_of_a_rotation_is_let_in_and_no_line_that_was_there_stays(tmp_path: Path) -> None:
    restrictions = 'restrict,port-forwarding,permitopen="127.0.0.1:*",permitlisten="127.0.0.1:1"'
    ours, following = f"{restrictions} {KEY} bakery\n", f"{restrictions} {NEXT_KEY} bakery-next\n"
    file = tmp_path / "authorized_keys"
    file.write_text(f"ssh-rsa AAAA somebody\n{following}{restrictions} {NEXT_KEY} bakery\n# bakery-next or not\n")
    allowed = f"KEYS={shlex.quote(str(file))}\nallowed_keys"
    assert call(allowed).stdout.decode() == ours
    rotating = render_installer(public_key=KEY, installation=INSTALLATION, helper=HELPER, next_key=f"{NEXT_KEY} next\n")
    assert call(allowed, program=rotating).stdout.decode() == ours + following


@pytest.mark.parametrize(
    ("settings", "hindrance"),
    [
        ("", ""),
        ("allowusers root\nallowusers bakery-agent\n", ""),
        ("allowusers bakery-*\n", ""),
        ("allowusers bakery-agent@10.0.0.0/8\n", ""),
        ("allowusers root\nallowusers bakery\n", "AllowUsers keeps bakery-agent out."),
        ("allowgroups bakery-agent\n", ""),
        ("allowgroups ssh\n", "AllowGroups keeps bakery-agent out."),
        ("denyusers root\n", ""),
        ("denyusers bakery-agent\n", "DenyUsers keeps bakery-agent out."),
        ("denygroups bakery-*\n", "DenyGroups keeps bakery-agent out."),
        ("pubkeyauthentication no\n", "Keys are not accepted."),
        ("authenticationmethods publickey,keyboard-interactive\n", "A key alone is not enough."),
        ("authenticationmethods publickey,password publickey\n", ""),
        ("authorizedkeysfile /etc/ssh/keys/%u\n", "/var/lib/bakery/agent/.ssh/authorized_keys is not read."),
        ("authorizedkeysfile /etc/ssh/keys/%u %h/.ssh/authorized_keys\n", ""),
        ("allowtcpforwarding local\n", ""),
        ("allowtcpforwarding no\n", "Tunnels are refused."),
        ("disableforwarding yes\n", "Tunnels are refused."),
    ],
)
def test_what_keeps_bakery_out_is_told_with_its_fix(settings: str, hindrance: str, tmp_path: Path) -> None:
    changed = {line.split()[0] for line in settings.splitlines()}
    rest = [line for line in SSHD.splitlines(keepends=True) if line.split()[0] not in changed]
    program(tmp_path, "sshd", f"printf %s {shlex.quote(settings + ''.join(rest))}")
    lines = call("ssh_troubles", path=tmp_path).stdout.decode().splitlines()
    assert [line.partition(" Fix: ")[0] for line in lines] == ([hindrance] if hindrance else [])
    assert all(" Fix: " in line and line.endswith(", then: systemctl reload ssh") for line in lines)


# The line that people copy


def test_the_line_fetches_checks_and_runs() -> None:
    assert bootstrap_line(URL, "a" * 64, options=["--with postgres"]) == (
        f"(cd \"$(mktemp -d)\" && {{ curl -fsSLo install-node.sh '{URL}' || wget -nvO install-node.sh '{URL}'; }}"
        f" && echo '{'a' * 64}  install-node.sh' | sha256sum -c -"
        ' && $([ "$(id -u)" = 0 ] || echo sudo) bash install-node.sh --with postgres)'
    )


@pytest.mark.parametrize(
    "url",
    ["", "bakery.example.com", "ftp://bakery.example.com/x", "file:///etc/passwd", "http://h/a'b", "http://h/$(id)",
     "http://h/a b", "http://h/`id`", "http://h/x\n", "http://h/?a=b", "http://u@h/"],
)  # fmt: skip
def test_no_other_address_is_put_into_the_line(url: str) -> None:
    with pytest.raises(ValueError, match=r"^This is not an address of ours\.$"):
        bootstrap_line(url, "a" * 64)


def test_no_other_digest_or_option_is_put_into_the_line() -> None:
    with pytest.raises(ValueError, match="not a SHA-256"):
        bootstrap_line(URL, "$(id)")
    with pytest.raises(ValueError, match="no such options"):
        bootstrap_line(URL, "a" * 64, options=["; id"])


@pytest.mark.parametrize("shell", ["bash", "dash"])
@pytest.mark.parametrize(("user", "download", "said"), [
    ("0", "curl", "as root: --check"),
    ("1000", "curl", "with sudo: --check"),
    ("0", "wget", "as root: --check"),
])  # fmt: skip
def test_the_line_runs_with_and_without_sudo_or_curl(
    shell: str, user: str, download: str, said: str, tmp_path: Path
) -> None:
    text = 'echo "as ${BY:-root}: $*" | sed "s/as sudo/with sudo/"\n'
    ran = run_line(bootstrap_line(URL, sha256_of(text), options=["--check"]), text, tmp_path, shell, user, download)
    assert (ran.returncode, ran.stdout) == (0, f"install-node.sh: OK\n{said}\n")
    assert list((tmp_path / "home").iterdir()) == []


def test_a_script_that_is_not_the_one_that_was_promised_does_not_run(tmp_path: Path) -> None:
    line = bootstrap_line(URL, sha256_of("echo good\n"))
    ran = run_line(line, "echo bad\n", tmp_path, "bash", "0", "curl")
    assert (ran.returncode, ran.stdout) == (1, "install-node.sh: FAILED\n")


def run_line(
    line: str, served: str, folder: Path, shell: str, user: str, download: str
) -> subprocess.CompletedProcess[str]:
    """On a machine whose only programs are these; `download` is the one that it has for that."""
    tools, home = folder / "tools", folder / "home"
    home.mkdir()
    program(tools, "id", f"echo {user}")
    program(tools, "sudo", 'BY=sudo exec "$@"')
    content = base64.b64encode(served.encode()).decode()
    program(tools, download, f'[ "$3" = "{URL}" ] && echo {content} | base64 -d >"$2"')
    for name in ("mktemp", "sha256sum", "base64", "bash", "dash", "sed"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    return subprocess.run(
        [f"/bin/{shell}", "-c", line], cwd=home, env={"PATH": str(tools), "TMPDIR": str(folder)},
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
