"""What may be said of a container, and what Docker is told then."""

from pathlib import Path

import pytest

from bakery.helper.containers import exit_of, state_of
from bakery.helper.told_container import IMAGE, Place, body_of, brings_init, expect_ours, settled, told_container
from bakery.helper.verbs import ROOTS_FOLDER

PLACE = Place(ROOTS_FOLDER, "bakery-my-shop-production-blue-worker-2")
A_CONTAINER: dict[str, object] = {
    "image": "bakery/my-shop:4",
    "build": 4,
    "host_port": 20001,
    "port": 8080,
    "environment": {"ODD": "it's\n$HOME"},
    "command": None,
    "user": None,
    "memory_bytes": None,
    "cpu_percent": None,
    "processes": 4096,
    "volumes": {"data": "/var/data"},
    "stop_seconds": 10,
}


def test_whose_it_is_follows_from_its_name() -> None:
    assert (PLACE.app, PLACE.environment, PLACE.slot) == ("my-shop", "production", "blue-worker-2")
    assert PLACE.volume("data") == "bakery-my-shop-production-data"


def test_a_container_is_published_on_loopback_only_and_has_no_power_over_the_machine() -> None:
    told_container(A_CONTAINER, PLACE)
    body = body_of(PLACE, {**A_CONTAINER, "init": True}, "sha256:4")
    spec = body["Labels"].pop("bakery.spec")
    assert len(spec) == 64
    assert body == {
        "Image": "sha256:4",
        "Env": ["ODD=it's\n$HOME"],
        "Labels": {
            "bakery.installation": "local",
            "bakery.app": "my-shop",
            "bakery.environment": "production",
            "bakery.build": "4",
            "bakery.slot": "blue-worker-2",
        },
        "StopTimeout": 10,
        "HostConfig": {
            "NetworkMode": "bakery",
            "Mounts": [{"Type": "volume", "Source": "bakery-my-shop-production-data", "Target": "/var/data"}],
            "RestartPolicy": {"Name": "unless-stopped"},
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "20m", "max-file": "3"}},
            "CapDrop": ["ALL"],
            "CapAdd": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"],
            "SecurityOpt": ["no-new-privileges"],
            "Privileged": False,
            "PidsLimit": 4096,
            "PortBindings": {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "20001"}]},
            "Init": True,
        },
        "ExposedPorts": {"8080/tcp": {}},
    }


def test_limits_a_command_and_a_user_are_told_when_they_are_said() -> None:
    told: dict[str, object] = {
        **A_CONTAINER,
        "command": ["serve", ""],
        "user": "1000:1000",
        "memory_bytes": 2**26,
        "cpu_percent": 50,
    }
    told.update(host_port=None, port=None)
    told_container(told, PLACE)
    body = body_of(PLACE, {**told, "init": False}, "sha256:4")
    host = body["HostConfig"]
    assert host["Init"] is False
    assert (body["Cmd"], body["User"]) == (["serve", ""], "1000:1000")
    assert (host["Memory"], host["MemorySwap"], host["NanoCpus"]) == (2**26, 2**26, 500_000_000)
    assert "PortBindings" not in host


def test_another_value_anywhere_makes_another_container() -> None:
    changed: list[dict[str, object]] = [
        {},
        {"environment": {"ODD": "it's\n$HOME "}},
        {"build": 5},
        {"stop_seconds": 11},
        {"volumes": {}},
        {"command": ["serve"]},
    ]
    specs = {
        body_of(PLACE, {**A_CONTAINER, "init": True, **one}, "sha256:4")["Labels"]["bakery.spec"] for one in changed
    }
    assert len(specs) == len(changed)


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({"image": "bakery/other:4"}, "image has to be the id of one, or bakery/my-shop:BUILD"),
        ({"image": "debian"}, "image has to be the id of one"),
        ({"image": "sha256:abc"}, "image has to be the id of one"),
        ({"image": ["bakery/my-shop:4"]}, "image has to be the id of one"),
        ({"build": True}, "build has to be a whole number"),
        ({"host_port": None}, "A port of the container goes with one of the machine"),
        ({"host_port": 22}, "host_port has to be a whole number from 20000 to 29999"),
        ({"port": 65536}, "port has to be a whole number"),
        ({"environment": {"A=B": ""}}, "environment has to be an object whose names"),
        ({"environment": {"A": "\0"}}, "texts without NUL"),
        ({"environment": {"A": "\ud800"}}, "texts without NUL"),
        ({"environment": []}, "environment has to be an object"),
        ({"command": []}, "command has to be a list of texts"),
        ({"command": "sh"}, "command has to be a list of texts"),
        ({"user": "root --privileged"}, "user has to be a name or a number"),
        ({"user": "-1"}, "user has to be a name or a number"),
        ({"memory_bytes": 1024}, "memory_bytes has to be a whole number"),
        ({"cpu_percent": 0.5}, "cpu_percent has to be a whole number"),
        ({"processes": -1}, "processes has to be a whole number"),
        ({"processes": None}, "processes has to be a whole number"),
        ({"stop_seconds": 301}, "stop_seconds has to be a whole number"),
        ({"volumes": {"/etc": "/data"}}, "A volume's name"),
        ({"volumes": {"blue": "/data"}}, "A volume's name"),
        ({"volumes": {"data": 1}}, "data has to lie at a path in the container"),
        ({"volumes": {"data": "/a/../../etc"}}, "data has to lie at a path in the container"),
        ({"volumes": {"data": "/data:ro"}}, "data has to lie at a path in the container"),
        ({"volumes": {"data": "/"}}, "data cannot lie at /"),
        ({"volumes": {"data": "//proc/./sys"}}, "which is the kernel's"),
        ({"volumes": {f"v{number}": "/v" for number in range(21)}}, "at most 20"),
    ],
)
def test_what_a_hostile_caller_says_is_refused(said: dict[str, object], refused: str) -> None:
    with pytest.raises(SystemExit, match=refused):
        told_container({**A_CONTAINER, **said}, PLACE)


def test_an_image_is_the_apps_own_by_its_name_and_not_another_bakerys() -> None:
    assert IMAGE.fullmatch("sha256:" + "0" * 64)
    expect_ours({"Id": "sha256:4", "RepoTags": ["x:1", "bakery/my-shop:4"], "Config": {"Labels": None}}, PLACE)
    for image in (
        {"Id": "sha256:4", "RepoTags": ["bakery/other:4"]},
        {"Id": "sha256:4", "RepoTags": None},
        {"Id": "sha256:4", "RepoTags": ["bakery/my-shop:4"], "Config": {"Labels": {"bakery.installation": "other"}}},
    ):
        with pytest.raises(SystemExit, match="The image sha256:4 is not a build of my-shop"):
            expect_ours(image, PLACE)


@pytest.mark.parametrize(
    ("status", "is_oom", "error", "ended"),
    [
        (0, False, "", "ended with status 0"),
        (3, False, "", "ended with status 3"),
        (200, False, "", "ended with status 200"),
        (127, False, "", "ended with status 127: its command was not found"),
        (143, False, "", "ended by SIGTERM"),
        (137, True, "", "ended by SIGKILL, out of memory"),
        (127, False, "no\n such file", "could not start: no such file"),
        (127, False, "x" * 1000, "could not start: " + "x" * 183),
    ],
)
def test_an_end_is_told_as_that_of_a_unit(status: int, is_oom: bool, error: str, ended: str) -> None:  # noqa: FBT001 - a case
    assert exit_of({"ExitCode": status, "OOMKilled": is_oom, "Error": error}) == ended


def test_a_container_between_two_attempts_does_not_run() -> None:
    state = {"Running": True, "Restarting": True, "Status": "restarting", "Pid": 0, "ExitCode": 3, "OOMKilled": False}
    assert state_of({"State": {**state, "Error": ""}, "RestartCount": 2}) == {
        "is_running": False,
        "process_id": None,
        "restarts": 2,
        "last_exit": "ended with status 3",
    }
    assert state_of(None) is None


def test_two_bakeries_of_one_machine_are_told_apart(tmp_path: Path) -> None:
    assert Place(tmp_path, "bakery-shop-production-blue").installation == f"local:{tmp_path}"
    (tmp_path / "installation").write_text("0b9f\n")
    assert Place(tmp_path, "bakery-shop-production-blue").installation == "0b9f"


def test_a_relative_volume_is_below_the_folder_in_which_its_image_starts() -> None:
    told = {**A_CONTAINER, "volumes": {"data": "/var/data", "uploads": "public/up"}}
    told_container(told, PLACE)
    found = settled(told, {"Config": {"WorkingDir": "/app"}})["volumes"]
    assert found == {"data": "/var/data", "uploads": "/app/public/up"}
    with pytest.raises(SystemExit, match="which is the kernel's"):
        settled({**told, "volumes": {"data": "proc"}}, {"Config": {"WorkingDir": ""}})


@pytest.mark.parametrize(
    ("config", "command", "brings"),
    [
        ({"Entrypoint": None, "Cmd": ["node", "server.js"]}, None, False),
        ({"Entrypoint": ["/usr/bin/tini", "--"], "Cmd": ["node", "server.js"]}, None, True),
        ({"Entrypoint": ["/init"]}, ["worker"], True),
        ({"Entrypoint": None, "Cmd": ["dumb-init", "node", "server.js"]}, None, True),
        ({"Entrypoint": None, "Cmd": ["dumb-init", "node", "server.js"]}, ["node", "server.js"], False),
        ({}, None, False),
    ],
)
def test_an_image_that_brings_an_init_gets_no_other(
    config: dict[str, object], command: list[str] | None, *, brings: bool
) -> None:
    assert brings_init({**A_CONTAINER, "command": command}, {"Config": config}) is brings


def test_what_runs_without_an_init_is_no_other_container_for_that() -> None:
    digests = {
        body_of(PLACE, {**A_CONTAINER, "init": init}, "sha256:4")["Labels"]["bakery.spec"] for init in (True, False)
    }
    assert len(digests) == 1
