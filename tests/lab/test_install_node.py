"""`install-node.sh` on a machine that has only systemd and sshd: from nothing to a node, killed on the way or not."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bakery.nodes.helper_file import helper_file
from bakery.nodes.installer import bootstrap_line, render_installer
from tests.lab.lab import Lab
from tests.lab.nodes import DOWNLOADS, Node
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(400)

INSTALLATION = "0f8fad5b-d9cb-469f-a165-70867728950e"
ANOTHER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
SCRIPT = "/root/install-node.sh"
HELPER = "/usr/local/lib/bakery/helper"
READY = "Ready: Bakery can come in now. Its page of this node turns online when you press Verify."
# Everything that could be changed, with the time of the change.
SNAPSHOT = "find /etc /usr /var/lib/dpkg /var/lib/bakery -printf '%p %M %u %g %s %T@ %C@\\n' 2>/dev/null || true"
# Reads what the script says, and kills it with its children as soon as it says one line.
KILL_AT = """
exec 3< <(exec setsid bash "$1" 2>&1)
group=$!
while read -r line <&3; do
  echo "$line"
  case "$line" in "==> $2"*) kill -9 -- "-$group" ;; esac
done
"""


@dataclass(frozen=True)
class Machine:
    node: Node
    key: Path

    def install(self, *options: str) -> subprocess.CompletedProcess[str]:
        done = self.node.attempt("bash", SCRIPT, *options, timeout=200)
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def begin_and_kill_when(self, happened: str) -> None:
        group = self._begin_and_wait_until(happened)
        self.node.run("bash", "-c", 'kill -9 -- "-$1"', "bash", group)

    def begin_and_lose_power_when(self, happened: str) -> None:
        self._begin_and_wait_until(happened)
        self.node.docker.run("kill", self.node.name)
        self.node.docker.run("start", self.node.name)
        wait_until(lambda: self.node.attempt("systemctl", "is-active", "dbus").returncode == 0, what="it boots again")

    def _begin_and_wait_until(self, happened: str) -> str:
        """The process group of the run that got so far; what happened before is forgotten."""
        begin = f": >/var/log/dpkg.log; setsid bash {SCRIPT} >/root/said 2>&1 & echo $!"
        group = self.node.run("bash", "-c", begin)
        wait_until(lambda: self.node.attempt("bash", "-c", happened).returncode == 0, what=happened, seconds=240)
        return group

    def as_agent(self, words: str, *options: str) -> subprocess.CompletedProcess[str]:
        """What Bakery gets to see when it logs in."""
        reach = self.node.ssh()[:-1]
        reach[reach.index("-i") + 1] = str(self.key)
        return subprocess.run(
            [*reach, *options, "bakery-agent@127.0.0.1", *([words] if words else [])],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip

    def snapshot(self) -> set[str]:
        return set(self.node.run("bash", "-c", SNAPSHOT).splitlines())


@pytest.fixture(scope="module")
def machine(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    key = tmp_path_factory.mktemp("key") / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bakery", "-f", key], check=True)
    script = render_installer(
        public_key=key.with_suffix(".pub").read_text(),
        installation=INSTALLATION,
        helper=helper_file(),
    )
    with lab.node(bare=True) as node:
        node.put(SCRIPT, script.encode())
        use_earlier_downloads(node)
        yield Machine(node, key)


def use_earlier_downloads(node: Node) -> None:
    """apt finds in its cache what an earlier node has downloaded, and checks it as if it had just come."""
    node.run("mkdir", "--parents", f"{DOWNLOADS}/apt")
    node.run("bash", "-c", f"cp --no-clobber {DOWNLOADS}/apt/*.deb /var/cache/apt/archives/ || true")


def keep_downloads(node: Node) -> None:
    node.run("bash", "-c", f"""
        for file in /var/cache/apt/archives/*.deb; do
          kept={DOWNLOADS}/apt/${{file##*/}}
          [ -e "$kept" ] || {{ cp "$file" "$kept.$HOSTNAME" && mv "$kept.$HOSTNAME" "$kept"; }}
        done
    """)  # fmt: skip


def test_check_names_what_is_missing_and_changes_nothing(machine: Machine) -> None:
    before = machine.snapshot()
    ran = machine.install("--check")
    assert (ran.returncode, ran.stderr) == (1, "")
    assert ran.stdout == (
        "missing  package docker.io\n"
        "missing  package postgresql-client\n"
        "missing  package git\n"
        "missing  package curl\n"
        "missing  package ca-certificates\n"
        "missing  package build-essential\n"
        "missing  package nginx\n"
        "missing  package certbot\n"
        "missing  package python3-certbot-dns-rfc2136\n"
        "missing  package sudo\n"
        "missing  package python3\n"
        "ok       every installation of a package is finished\n"
        "missing  user bakery-agent\n"
        "missing  folders\n"
        "missing  key of Bakery\n"
        "missing  helper\n"
        "missing  rule for sudo\n"
        "missing  helper answers through sudo\n"
        "missing  machine of this Bakery\n"
        "missing  docker does not run. See: systemctl status docker\n"
        "missing  nginx does not run. See: systemctl status nginx\n"
    )
    assert machine.snapshot() == before


def test_killed_wherever_it_is_run_again_and_good(machine: Machine) -> None:
    machine.begin_and_kill_when("grep '==> Packages' /root/said")
    machine.begin_and_lose_power_when("grep ' status half-installed ' /var/log/dpkg.log")
    assert "missing  every installation of a package is finished\n" in machine.install("--check").stdout
    machine.begin_and_kill_when("grep ' configure docker.io:' /var/log/dpkg.log")
    for title in ("User", "Folders", "Whose", "Helper", "Rule", "Key", "Asking"):
        machine.node.run("bash", "-c", KILL_AT, "bash", SCRIPT, title, timeout=200)
    ran = machine.install()
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith(f"\n{READY}\n")
    assert machine.node.run("dpkg", "--audit") == ""
    assert machine.node.run("systemctl", "is-active", "docker", "nginx").split() == ["active", "active"]
    keep_downloads(machine.node)


def test_a_second_run_changes_nothing_and_says_so(machine: Machine) -> None:
    machine.node.put("/etc/nginx/conf.d/shop.conf", b"# somebody's own\n")
    machine.node.put("/etc/docker/daemon.json", b"{}\n")
    before = machine.snapshot()
    ran = machine.install()
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == (
        "==> Packages\n    already so\n"
        "==> User bakery-agent\n    already so\n"
        "==> Folders\n    already so\n"
        "==> Whose node this is\n    already so\n"
        "==> Helper /usr/local/lib/bakery/helper\n    already so\n"
        "==> Rule /etc/sudoers.d/bakery\n    already so\n"
        "==> Key of Bakery\n    already so\n"
        "==> Asking the helper, as bakery-agent\n"
        "Nothing had to be changed.\n"
        f"{READY}\n"
    )
    checked = machine.install("--check")
    assert (checked.returncode, checked.stdout.count("missing")) == (0, 0)
    assert machine.snapshot() == before


def test_bakery_logs_in_and_runs_its_helper_and_nothing_else_as_root(machine: Machine) -> None:
    assert machine.as_agent("id --name --user; id --name --groups").stdout == "bakery-agent\nbakery-agent\n"
    answer = machine.as_agent(f"sudo -n {HELPER} version")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert machine.as_agent("sudo -n id").stderr == "sudo: a password is required\n"
    assert machine.as_agent(f"sudo -n -u nobody {HELPER} version").returncode == 1
    allowed = machine.as_agent("sudo -n -l").stdout
    assert allowed.rpartition("may run the following commands")[2].splitlines()[1:] == [
        f"    (root) NOPASSWD: {HELPER}"
    ]
    assert "Permission denied" in machine.as_agent("cat </var/run/docker.sock || docker ps").stderr
    for path in ("~", "~/.ssh", "~/.ssh/authorized_keys", HELPER, "/var/lib/bakery/node", "/etc/sudoers.d/bakery"):
        assert machine.as_agent(f"test -w {path}").returncode == 1
    password = machine.as_agent("true", "-o", "PubkeyAuthentication=no")
    assert (password.returncode, "Permission denied" in password.stderr) == (255, True)


def test_its_key_opens_tunnels_to_the_node_itself_and_no_terminal(machine: Machine) -> None:
    assert machine.as_agent("", "-W", "127.0.0.1:22").stdout.startswith("SSH-2.0-")
    for elsewhere in ("localhost:22", "192.0.2.1:22"):
        assert machine.as_agent("", "-W", elsewhere).returncode == 255
    listening = ("-o", "ExitOnForwardFailure=yes", "-R", "127.0.0.1:7070:127.0.0.1:22")
    assert "remote port forwarding failed" in machine.as_agent("true", *listening).stderr
    terminal = machine.as_agent("tty", "-tt", "-o", "LogLevel=INFO")
    assert "PTY allocation request failed" in terminal.stderr


def test_the_machine_of_another_bakery_is_taken_only_on_demand(machine: Machine) -> None:
    owner = "/var/lib/bakery/node/installation"
    machine.node.put(owner, f"{ANOTHER}\n".encode())
    before = machine.snapshot()
    refused = machine.install()
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"install-node.sh: this machine belongs to another Bakery, the installation {ANOTHER}. "
        "If it shall be this one's, run this again with --take-over.\n"
    )
    checked = machine.install("--check")
    assert f"missing  machine of this Bakery, but it belongs to {ANOTHER}\n" in checked.stdout
    assert machine.snapshot() == before
    assert machine.install("--take-over").returncode == 0
    assert machine.node.run("cat", owner) == INSTALLATION


def test_an_sshd_that_keeps_bakery_out_is_told_and_left_as_it_is(machine: Machine) -> None:
    settings = "/etc/ssh/sshd_config.d/office.conf"
    machine.node.put(settings, b"AllowUsers root ann\n")
    before = machine.snapshot()
    ran = machine.install()
    assert ran.returncode == 0
    assert ran.stderr == (
        "AllowUsers keeps bakery-agent out. "
        "Fix: add bakery-agent to it in /etc/ssh/sshd_config, then: systemctl reload ssh\n"
    )
    assert ran.stdout.endswith("All is installed, but Bakery cannot use this machine before that is mended.\n")
    assert machine.install("--check").returncode == 1
    assert machine.snapshot() == before
    machine.node.run("rm", settings)


def test_what_was_broken_is_mended(machine: Machine) -> None:
    for break_it in (
        "usermod --append --groups docker bakery-agent && usermod --lock bakery-agent",
        f"echo '# mine' >>{HELPER} && chmod 777 {HELPER} /var/lib/bakery/node",
        "rm -r /var/lib/bakery/agent /etc/sudoers.d/bakery",
    ):
        machine.node.run("bash", "-c", break_it)
    assert machine.install().returncode == 0
    assert machine.as_agent(f"sudo -n {HELPER} version && id --name --groups").stdout.endswith("}\nbakery-agent\n")
    assert machine.node.run("stat", "--format=%a", HELPER, "/var/lib/bakery/node").split() == ["755", "755"]


def test_the_copied_line_fetches_it_and_with_postgres_adds_the_server(machine: Machine) -> None:
    machine.node.run("bash", "-c", "cd /root && python3 -m http.server 4100 >/dev/null 2>&1 &")
    fetch = "curl --silent --fail --output /dev/null http://127.0.0.1:4100/install-node.sh"
    wait_until(lambda: machine.node.attempt(*fetch.split()).returncode == 0, what="the script is served")
    digest = machine.node.run("sha256sum", SCRIPT).split()[0]
    line = bootstrap_line("http://127.0.0.1:4100/install-node.sh", digest, options=["--with postgres"])
    assert machine.node.run("sh", "-c", line, timeout=200).endswith(READY)
    assert machine.node.run("systemctl", "is-active", "postgresql") == "active"
    keep_downloads(machine.node)
