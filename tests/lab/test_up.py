"""`scripts/up` on fresh machines, as their users run it: everything that a newcomer meets first."""

from collections.abc import Iterator

import pytest

from tests.lab.clone import Clone, Ran
from tests.lab.lab import Lab
from tests.lab.nodes import Node
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(240)

APP = "bakery-hello-production-blue"
BAKERY = "http://127.0.0.1:4100"
ISOLATION = "Apps are not isolated from each other: Bakery runs as an ordinary user."


def answers(clone: Clone, url: str) -> bool:
    return clone.get(url).startswith("200 ")


def releases(clone: Clone) -> list[str]:
    """The releases of the sample app that were ever unpacked."""
    root = "/var/lib/bakery" if clone.user == "root" else f"/home/{clone.user}/.local/share/bakery"
    return clone.node.run("ls", f"{root}/node/apps/hello/production/releases").split()


def signs_in(clone: Clone, password: str) -> bool:
    form = ("--data-urlencode", "email=admin@localhost", "--data-urlencode", f"password={password}")
    status = clone.node.run(
        "curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--header", f"Origin: {BAKERY}",
        *form, f"{BAKERY}/login",
    )  # fmt: skip
    return status == "303"


def pid_of_bakery(clone: Clone) -> str:
    return clone.node.run("pgrep", "--newest", "--full", "bin/bakery serve")


def start_and_kill_when(clone: Clone, happened: str) -> None:
    """SIGKILL to `scripts/up` and its children as soon as the shell command `happened` succeeds."""
    group = clone.node.run(*clone.argv("bash", "-c", "setsid ./scripts/up >up.log 2>&1 & echo $!"))
    wait_until(
        lambda: clone.node.attempt(*clone.argv("sh", "-c", happened)).returncode == 0, what=happened, seconds=120
    )
    clone.node.run("bash", "-c", 'kill -9 -- "-$1"', "bash", group)


def one_line(said: str) -> str:
    return " ".join(said.split())


def ordinary_user(node: Node, name: str) -> None:
    node.run("useradd", "--create-home", "--shell", "/bin/bash", name)


# (a) root and systemd


@pytest.fixture(scope="module")
def server(lab: Lab) -> Iterator[tuple[Clone, Ran]]:
    """A server as one gets it: without nginx. Bakery was started there once."""
    with lab.node() as node:
        node.run("apt-get", "purge", "--yes", "nginx-common")
        clone = Clone(node)
        clone.unpack()
        yield clone, clone.up_well()


def test_root_with_systemd_gets_units_behind_the_machines_nginx(server: tuple[Clone, Ran]) -> None:
    clone, first = server
    assert first.fact("Sample app") == "http://hello.localhost"
    assert first.fact("Bakery") == BAKERY
    assert clone.get("http://hello.localhost").startswith("200 ")
    assert clone.node.run("systemctl", "is-enabled", "bakery", APP, "nginx").split() == ["enabled"] * 3
    assert clone.node.run("systemctl", "is-active", "bakery", APP, "nginx").split() == ["active"] * 3
    assert clone.node.run("stat", "--format=%a %U", "/var/lib/bakery/control") == "700 root"
    assert clone.node.run("stat", "--format=%a", first.fact("Keep safe").split()[0]) == "600"
    assert max(map(len, first.said.splitlines())) <= 80


def test_the_printed_password_signs_in(server: tuple[Clone, Ran]) -> None:
    clone, first = server
    assert signs_in(clone, first.password)
    assert not signs_in(clone, "another")


def test_the_printed_link_lets_one_choose_a_password(server: tuple[Clone, Ran]) -> None:
    clone, first = server
    link = next(line for line in first.said.splitlines() if line.startswith(f"{BAKERY}/reset/"))
    assert clone.get(link).startswith("200 ")


def test_running_it_again_changes_nothing_and_says_so(server: tuple[Clone, Ran]) -> None:
    clone, _ = server
    before = pid_of_bakery(clone), releases(clone)
    again = clone.up_well()
    assert again.said.startswith("==> Bakery is running already\n")
    assert again.fact("Sign in") == "admin@localhost, with your password"
    assert (pid_of_bakery(clone), releases(clone)) == before


def test_after_an_update_it_starts_the_new_code(server: tuple[Clone, Ran]) -> None:
    clone, _ = server
    before = pid_of_bakery(clone)
    clone.node.run(*clone.argv("sh", "-c", "echo '# changed' >>src/bakery/app.py"))
    assert clone.up_well().said.startswith("==> Starting Bakery\n")
    assert pid_of_bakery(clone) != before
    assert clone.up_well().said.startswith("==> Bakery is running already\n")


def test_public_listens_on_all_addresses_until_it_runs_without(server: tuple[Clone, Ran]) -> None:
    clone, _ = server
    public = clone.up_well("--public")
    address = clone.node.run("sh", "-c", "ip route get 192.0.2.1 | sed -n 's/.* src \\([^ ]*\\).*/\\1/p'")
    assert public.fact("Bakery") == f"http://{address}:4100"
    assert "can be read on its way" in public.fact("Note")
    assert answers(clone, f"http://{address}:4100/healthz")
    private = clone.up_well()
    assert private.fact("From afar").startswith(f"ssh -L 4100:127.0.0.1:4100 root@{address}")
    assert not answers(clone, f"http://{address}:4100/healthz")


def test_stopped_bakery_leaves_its_apps_alone(server: tuple[Clone, Ran]) -> None:
    clone, _ = server
    assert clone.up_well("--stop").said.startswith("Bakery is stopped. Its apps go on, and so does nginx, ")
    assert clone.node.attempt("systemctl", "is-active", "--quiet", "bakery").returncode != 0
    assert answers(clone, "http://hello.localhost")
    assert clone.up_well("--stop").said.startswith("Bakery does not run. Its apps go on, ")
    clone.up_well()
    assert answers(clone, f"{BAKERY}/readyz")


def test_a_reboot_brings_everything_back(server: tuple[Clone, Ran]) -> None:
    clone, _ = server
    clone.node.reboot()
    wait_until(lambda: answers(clone, f"{BAKERY}/readyz"), what="Bakery is back", seconds=30)
    wait_until(lambda: answers(clone, "http://hello.localhost"), what="the app is back", seconds=30)


def test_what_keeps_the_unit_from_starting_is_told_and_not_tried_for_ever(server: tuple[Clone, Ran]) -> None:
    clone, _ = server
    clone.up_well("--stop")
    refused = clone.up(ENCRYPTION_KEY="c2hvcnQ=")
    assert (refused.status, refused.said) == (1, "==> Starting Bakery\n")
    assert refused.errors.startswith(
        "Bakery did not start. It said:\nThe encryption key is not 32 bytes in base64.\nHint: "
    )
    assert clone.node.run("systemctl", "show", "--property=ActiveState", "--value", "bakery") in {"inactive", "failed"}
    clone.up_well()


# (b) root without systemd


@pytest.fixture(scope="module")
def container(lab: Lab) -> Iterator[tuple[Clone, Ran]]:
    """The first attempt was killed while pip installed, the second while Bakery started."""
    with lab.node(has_systemd=False) as node:
        clone = Clone(node)
        clone.unpack()
        start_and_kill_when(clone, "ls .venv/lib/python3*/site-packages | sed -n 12p | grep .")
        start_and_kill_when(clone, "grep -e Starting -e running up.log")
        yield clone, clone.up_well()


def test_root_without_systemd_gets_an_nginx_daemon_and_our_supervisor(container: tuple[Clone, Ran]) -> None:
    clone, first = container
    assert first.fact("Sample app") == "http://hello.localhost"
    assert answers(clone, "http://hello.localhost")
    assert (
        first.fact("Note") == "After a reboot apps start when Bakery does, and may use all memory: there is no systemd."
    )
    parent = clone.node.run("ps", "-o", "ppid=", "-C", "nginx", "--sort=start_time").split()[0]
    assert parent == "1"
    assert clone.node.run("pgrep", "--full", f"supervisor.py start .*/{APP}")
    assert signs_in(clone, first.password)


def test_apps_outlive_the_stop_and_the_sudden_death_of_bakery(container: tuple[Clone, Ran]) -> None:
    clone, _ = container
    app = clone.node.run("pgrep", "--full", "python3 app.py")
    clone.up_well("--stop")
    assert not answers(clone, f"{BAKERY}/healthz")
    assert answers(clone, "http://hello.localhost")
    clone.up_well()
    clone.node.run("kill", "-9", pid_of_bakery(clone))
    assert answers(clone, "http://hello.localhost")
    clone.up_well()
    assert answers(clone, f"{BAKERY}/readyz")
    assert clone.node.run("pgrep", "--full", "python3 app.py") == app


def test_after_a_reboot_without_systemd_it_is_run_again(container: tuple[Clone, Ran]) -> None:
    clone, _ = container
    clone.node.reboot()
    clone.up_well()
    wait_until(lambda: answers(clone, "http://hello.localhost"), what="the app is back", seconds=45)
    assert len(releases(clone)) == 1


def test_a_port_80_of_another_program_is_told_and_mended_by_a_second_run(container: tuple[Clone, Ran]) -> None:
    clone, _ = container
    clone.up_well("--stop")
    clone.node.run("nginx", "-s", "quit")
    wait_until(lambda: not answers(clone, "http://hello.localhost"), what="nginx ends")
    clone.node.run("sh", "-c", "python3 -m http.server 80 >/dev/null 2>&1 & echo $! >/tmp/other.pid")
    wait_until(lambda: answers(clone, "http://127.0.0.1"), what="another program answers")
    hint = "Does another program listen on port 80?"
    wait_until(lambda: hint in one_line(clone.up_well().said), what="the machine was looked at", seconds=20)
    clone.node.run("sh", "-c", 'kill "$(cat /tmp/other.pid)"')
    clone.up_well("--stop")
    clone.up_well()
    wait_until(lambda: answers(clone, "http://hello.localhost"), what="the app is reached again", seconds=20)


# (c) an ordinary user with an nginx binary


@pytest.fixture(scope="module")
def person(lab: Lab) -> Iterator[tuple[Clone, Ran]]:
    with lab.node() as node:
        ordinary_user(node, "ann")
        clone = Clone(node, "ann", "/home/ann/my apps/bakery")
        clone.unpack()
        offline = clone.up(PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0")
        assert offline.status == 1
        assert "the dependencies could not be installed: ERROR: " in offline.errors
        assert "Is the package registry reachable from here" in offline.errors
        yield clone, clone.up_well()


def test_an_ordinary_user_gets_an_nginx_of_their_own(person: tuple[Clone, Ran]) -> None:
    clone, first = person
    assert first.fact("Sample app") == "http://hello.localhost:8080"
    assert "Deploy it with" not in first.said
    assert answers(clone, "http://hello.localhost:8080")
    assert ISOLATION in one_line(first.said)
    assert clone.node.run("ps", "-o", "user=", "-p", pid_of_bakery(clone)) == "ann"
    assert clone.node.run("stat", "--format=%a %U", "/home/ann/.local/share/bakery/control") == "700 ann"
    assert signs_in(clone, first.password)


def test_who_stops_bakery_is_told_how_the_rest_ends(person: tuple[Clone, Ran]) -> None:
    clone, _ = person
    told = clone.up_well("--stop").said
    clone.node.run(*clone.argv("sh", "-c", told.rpartition("That nginx ends by: ")[2]))
    wait_until(lambda: not answers(clone, "http://hello.localhost:8080"), what="nginx ends")
    clone.up_well()
    wait_until(lambda: answers(clone, "http://hello.localhost:8080"), what="it is back", seconds=30)


def test_a_port_that_another_program_has_is_one_sentence(person: tuple[Clone, Ran]) -> None:
    clone, _ = person
    clone.up_well("--stop")
    clone.node.run("sh", "-c", "python3 -m http.server 4100 >/dev/null 2>&1 & echo $! >/tmp/other.pid")
    wait_until(lambda: answers(clone, BAKERY), what="another program answers")
    refused = clone.up()
    clone.node.run("sh", "-c", 'kill "$(cat /tmp/other.pid)"')
    assert (refused.status, refused.said) == (1, "")
    assert refused.errors == (
        "Bakery cannot listen on 127.0.0.1 port 4100: Address already in use.\n"
        "Hint: Another program may use it (see: ss -ltnp). Stop it, or choose another with --port or BAKERY_PORT.\n"
    )
    clone.up_well()


@pytest.mark.parametrize("setting", ["BAKERY_DATA_DIR", "BAKERY_NODE_DIR", "BAKERY_LOGS_DIR"])
def test_a_folder_that_cannot_be_written_is_one_sentence(person: tuple[Clone, Ran], setting: str) -> None:
    clone, _ = person
    clone.up_well("--stop")
    refused = clone.up(**{setting: "/root/closed"})
    assert refused.status == 1
    assert "/root/closed" in refused.errors
    assert "Permission denied" in refused.errors
    assert "Traceback" not in refused.errors
    clone.up_well()


# (d) an ordinary user without nginx


def test_without_nginx_an_app_has_a_port_and_a_moved_clone_works(person: tuple[Clone, Ran]) -> None:
    before, _ = person
    before.up_well("--stop")
    node = before.node
    node.run("pkill", "-9", "--full", "--uid", "ann", "supervisor.py|app.py|nginx")
    node.run("mv", "/usr/sbin/nginx", "/usr/sbin/nginx.hidden")
    node.run("rm", "-r", "/home/ann/.local/share/bakery")
    moved = Clone(node, "ann", "/home/ann/elsewhere")
    node.run("mv", before.folder, moved.folder)
    first = moved.up_well()
    assert first.fact("Sample app") == "http://127.0.0.1:20000"
    assert answers(moved, "http://127.0.0.1:20000")
    assert "A deployment interrupts an app here" in one_line(first.said)
    assert moved.up_well().fact("Sample app") == "http://127.0.0.1:20000"


# What is missing


@pytest.fixture(scope="module")
def bare(lab: Lab) -> Iterator[Clone]:
    with lab.node(has_systemd=False) as node:
        ordinary_user(node, "ann")
        clone = Clone(node, "ann", "/home/ann/bakery")
        clone.unpack()
        yield clone


def test_without_python_the_package_is_named(bare: Clone) -> None:
    bare.node.run("sh", "-c", "mkdir /opt/bin && ln -s /usr/bin/* /opt/bin && rm /opt/bin/python*")
    refused = bare.up(PATH="/opt/bin")
    assert (refused.status, refused.said) == (1, "")
    assert refused.errors == (
        "scripts/up: Python 3.11 or newer is missing. "
        "Install the package python3.11 (Debian 12: apt-get install python3 python3-venv).\n"
    )


def test_without_the_venv_module_the_package_is_named(bare: Clone) -> None:
    bare.node.run("dpkg", "--purge", "python3-venv", "python3.11-venv")
    refused = bare.up()
    assert refused.status == 1
    assert refused.errors == (
        "scripts/up: this Python cannot make virtual environments. Install the package python3.11-venv, or uv.\n"
    )


def test_without_space_it_says_how_much_is_needed(bare: Clone) -> None:
    small = Clone(bare.node, "ann", "/home/ann/small")
    bare.node.run("mkdir", small.folder)
    bare.node.run("mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", small.folder)
    small.unpack()
    refused = small.up()
    assert (refused.status, refused.said) == (1, "")
    assert refused.errors.startswith("scripts/up: only 1")
    assert refused.errors.endswith(" MB are free below /home/ann/small; Bakery and its dependencies need 700 MB.\n")


def test_an_unknown_option_shows_the_known_ones(bare: Clone) -> None:
    refused = bare.up("--frobnicate")
    assert refused.status == 2
    assert "--no-demo  without the sample app" in refused.errors
