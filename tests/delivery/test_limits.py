from bakery.delivery.limits import (
    OutOfMemory,
    build_limits,
    hint_of_starved_job,
    hint_when_killed,
    shown_limits,
    why_out_of_memory,
)
from bakery.model.names import AppName
from bakery.model.unit import Limits

MB = 1024**2
SHOP = AppName("shop")
SHARE = build_limits(memory_bytes=4096 * MB, cpus=2)
KILLED = "ended by SIGKILL; out of memory: the kernel ended 2 of its processes"


def test_a_build_leaves_apps_a_quarter_of_the_memory_and_half_a_core() -> None:
    assert Limits(3072 * MB, 150) == SHARE
    assert build_limits(memory_bytes=1024 * MB, cpus=1) == Limits(768 * MB, 50)


def test_limits_are_shown_where_there_are_some() -> None:
    assert shown_limits(Limits()) == []
    assert shown_limits(Limits(512 * MB, 150)) == ["512 MB of memory", "1.5 CPUs"]
    assert shown_limits(Limits(cpu_percent=100)) == ["1 CPU"]


def test_who_ran_out_of_memory_hears_the_limit_and_how_to_raise_it() -> None:
    assert why_out_of_memory("The app", "ended by SIGKILL, out of memory", Limits(256 * MB), SHOP) == OutOfMemory(
        "The app ran out of memory: its limit is 256 MB.",
        "Let it use less, or raise its limit and deploy again: bakery apps set shop memory=512",
    )
    assert why_out_of_memory("The app", "ended by SIGKILL", Limits(256 * MB), SHOP) is None


def test_one_that_the_kernel_killed_without_a_word_hears_of_its_limit() -> None:
    assert hint_when_killed("ended by SIGKILL", Limits(64 * MB), SHOP) == (
        "So ends a program that needs more memory than it may use, which is 64 MB. Let it use less, or raise its limit "
        "and deploy again: bakery apps set shop memory=128"
    )
    assert hint_when_killed("ended by SIGKILL", Limits(), SHOP) == ""
    assert hint_when_killed("ended with status 1", Limits(64 * MB), SHOP) == ""


def test_without_a_limit_it_was_the_nodes_memory() -> None:
    found = why_out_of_memory("The process mail", "ended by SIGKILL, out of memory", Limits(), SHOP)
    assert found is not None
    assert found.sentence == "The process mail ran out of memory: its node had no more, and ended it."


def test_a_starved_build_hears_its_share_of_the_node() -> None:
    assert hint_of_starved_job(KILLED, SHARE, SHARE, SHOP) == (
        "It may use 3072 MB, three quarters of its node's memory. Let it use less, or use a node with more."
    )
    of_an_image = "ended: a step of the build needed more memory than its limit of 3072 MB"
    assert hint_of_starved_job(of_an_image, SHARE, SHARE, SHOP)
    assert not hint_of_starved_job("ended with status 1", SHARE, SHARE, SHOP)


def test_a_starved_command_of_a_release_hears_the_apps_limit() -> None:
    assert hint_of_starved_job(KILLED, Limits(256 * MB).over(SHARE), SHARE, SHOP) == (
        "It may use 256 MB, as the app. Raise that and deploy again: bakery apps set shop memory=512"
    )


def test_what_a_person_sets_is_over_what_the_repository_says() -> None:
    assert Limits(256 * MB).over(Limits(512 * MB, 150)) == Limits(256 * MB, 150)
