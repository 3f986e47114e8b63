"""What may be said of a container that runs once, and what Docker is told then."""

import pytest

from bakery.helper.once import OncePlace, body_of_once, told_once
from bakery.helper.verbs import ROOTS_FOLDER

KEY = "j0123456789abcdef01234567"
PLACE = OncePlace(ROOTS_FOLDER, "my-shop", "production", KEY)
A_CONTAINER: dict[str, object] = {
    "image": "bakery/my-shop:4",
    "build": 4,
    "host_port": None,
    "port": None,
    "environment": {"ODD": "it's\n$HOME", "BAKERY_JOB": "another"},
    "command": ["migrate", "--all"],
    "user": None,
    "memory_bytes": 2**26,
    "cpu_percent": None,
    "processes": 4096,
    "volumes": {"data": "/var/data"},
    "stop_seconds": 10,
}
ONCE: dict[str, object] = {"app": "my-shop", "environment": "production", "container": A_CONTAINER}


def test_it_has_what_a_slot_has_but_goes_with_its_end_and_bears_the_key_of_its_job() -> None:
    told_once(ROOTS_FOLDER, KEY, ONCE)
    assert PLACE.name == f"bakery-{KEY}"
    assert body_of_once(PLACE, {**A_CONTAINER, "init": True}, "sha256:4") == {
        "Image": "sha256:4",
        "Env": ["ODD=it's\n$HOME", f"BAKERY_JOB={KEY}"],
        "Cmd": ["migrate", "--all"],
        "Labels": {
            "bakery.installation": "local",
            "bakery.app": "my-shop",
            "bakery.environment": "production",
            "bakery.build": "4",
            "bakery.job": KEY,
        },
        "StopTimeout": 10,
        "HostConfig": {
            "NetworkMode": "bakery",
            "Mounts": [{"Type": "volume", "Source": "bakery-my-shop-production-data", "Target": "/var/data"}],
            "RestartPolicy": {"Name": "no"},
            "AutoRemove": True,
            "LogConfig": {"Type": "none"},
            "CapDrop": ["ALL"],
            "CapAdd": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"],
            "SecurityOpt": ["no-new-privileges"],
            "Privileged": False,
            "PidsLimit": 4096,
            "Memory": 2**26,
            "MemorySwap": 2**26,
            "Init": True,
        },
    }


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({"app": "../other"}, "app has to be the name of one"),
        ({"app": None}, "app has to be the name of one"),
        ({"environment": "blue"}, "environment has to be the name of one"),
        ({"container": {}}, "described by exactly these"),
        ({"container": {**A_CONTAINER, "image": "bakery/others:4"}}, "image has to be the id of one"),
        ({"container": {**A_CONTAINER, "port": 80, "host_port": 20001}}, "What runs once has no port"),
        ({"container": {**A_CONTAINER, "command": None}}, "What runs once is told a command"),
        ({"container": {**A_CONTAINER, "volumes": {"a": "/proc"}}}, "which is the kernel's"),
    ],
)
def test_what_a_hostile_caller_says_of_it_is_refused(said: dict[str, object], refused: str) -> None:
    with pytest.raises(SystemExit, match=refused):
        told_once(ROOTS_FOLDER, KEY, {**ONCE, **said})
