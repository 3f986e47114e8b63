import pytest

from bakery.model.errors import BadInput
from bakery.model.jobs import parse_seconds, parse_words
from bakery.model.names import Port
from bakery.model.nodes import (
    NodeState,
    Place,
    node_counts,
    parse_new_node,
    parse_node_for_app,
    parse_place,
    parse_ssh_host,
    usual_apps_domain,
)


def test_a_node_is_reached_as_the_agent_on_port_22_unless_said_otherwise() -> None:
    new = parse_new_node(slug="oven-1", host="Oven-1.Example.com")
    assert (new.slug, new.name, str(new.place), new.bastion) == (
        "oven-1",
        "oven-1",
        "bakery-agent@oven-1.example.com:22",
        None,
    )


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("slug", {"slug": "Oven 1"}),
        ("slug", {"slug": "local"}),
        ("slug", {"slug": "new"}),
        ("slug", {"slug": "-oven"}),
        ("host", {"host": "-oProxyCommand=true"}),
        ("host", {"host": "host;true"}),
        ("host", {"host": ""}),
        ("host", {"host": "fe80::1%\0"}),
        ("host", {"host": "fe80::1%$(id) <b>"}),
        ("port", {"port": "0"}),
        ("port", {"port": "65536"}),
        ("user", {"user": "root;true"}),
        ("user", {"user": "-l"}),
        ("bastion", {"bastion": "gateway.example.com"}),
        ("bastion", {"bastion": "a@b:c"}),
        ("bastion", {"bastion": "a@-x"}),
        ("bastion", {"bastion": "a@[::1]22"}),
        ("name", {"name": "two\nlines"}),
    ],
)
def test_a_mistake_names_its_field(field: str, values: dict[str, str]) -> None:
    wanted = {"slug": "oven-1", "host": "203.0.113.7", "port": "22", **values}
    with pytest.raises(BadInput) as refused:
        parse_new_node(**wanted)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("ops@gateway", Place("ops", "gateway", Port(22))),
        ("ops@gateway.example.com:2222", Place("ops", "gateway.example.com", Port(2222))),
        ("ops@[2001:db8::1]:2222", Place("ops", "2001:db8::1", Port(2222))),
        ("ops@2001:db8::1", Place("ops", "2001:db8::1", Port(22))),
    ],
)
def test_a_place_is_written_user_at_host_and_port(text: str, place: Place) -> None:
    assert parse_place(text, field="bastion") == place
    assert parse_place(str(place), field="bastion") == place


def test_an_address_may_name_the_interface_where_it_counts() -> None:
    assert parse_ssh_host("fe80::1%eth0.7") == "fe80::1%eth0.7"


def test_an_address_may_stand_in_brackets() -> None:
    assert parse_ssh_host("[2001:DB8::1]") == "2001:db8::1"


@pytest.mark.parametrize(
    ("states", "sentence"),
    [
        ([NodeState.ONLINE], "This machine is online."),
        ([NodeState.ONLINE, NodeState.ONLINE], "All 2 are online."),
        ([NodeState.ONLINE, NodeState.BLOCKED, NodeState.NEW], "1 of 3 are online."),
    ],
)
def test_one_sentence_about_all(states: list[NodeState], sentence: str) -> None:
    assert node_counts(states) == sentence


@pytest.mark.parametrize("words", [[], [""], ["echo", "a\0b"], ["x" * 9000], ["x"] * 501])
def test_words_that_are_no_command_are_refused(words: list[str]) -> None:
    with pytest.raises(BadInput) as refused:
        parse_words(words)
    assert refused.value.field == "command"


@pytest.mark.parametrize(("words", "said"), [(["x" * 9000], "8000 characters"), (["x"] * 501, "500 words")])
def test_a_command_that_is_too_long_is_told_its_limit(words: list[str], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parse_words(words)


@pytest.mark.parametrize("seconds", [0, -1, 7 * 24 * 3600 + 1, 10**30])
def test_a_time_limit_that_is_none_is_refused(seconds: int) -> None:
    with pytest.raises(BadInput) as refused:
        parse_seconds(seconds)
    assert refused.value.field == "seconds"


def test_the_words_of_a_command_stay_as_they_are() -> None:
    assert parse_words(["sh", "-c", "echo $HOME; true", ""]) == ("sh", "-c", "echo $HOME; true", "")


@pytest.mark.parametrize(
    ("domain", "addresses", "usual"),
    [
        ("apps.example.com", ("8.8.4.4",), "oven-1.apps.example.com"),
        ("localhost", ("8.8.4.4",), "8-8-4-4.sslip.io"),
        ("localhost", ("oven.example.com", "8.8.4.4"), "8-8-4-4.sslip.io"),
        ("localhost", ("2606:4700::1",), "2606-4700-0000-0000-0000-0000-0000-0001.sslip.io"),
        ("localhost", ("10.0.0.7", "192.168.1.7", "127.0.0.1", None, "fe80::1%eth0"), "oven-1.localhost"),
    ],
)
def test_apps_of_a_node_get_names_that_lead_there(domain: str, addresses: tuple[str | None, ...], usual: str) -> None:
    assert usual_apps_domain("oven-1", domain, *addresses) == usual


@pytest.mark.parametrize("name", ["", "new", "Local", "a b", "x" * 41])
def test_an_app_lives_on_a_node_that_can_exist(name: str) -> None:
    with pytest.raises(BadInput, match="no such node"):
        parse_node_for_app(name)
    assert parse_node_for_app("local") == "local"
