"""Who decides how a release is checked and takes over, and how people write that down."""

import pytest

from bakery.model.errors import BadInput
from bakery.model.health_kinds import HealthKind, Statuses
from bakery.model.terms import NOTHING, TERMS, Origin, Said, Terms, shown_terms, terms_of, with_term
from bakery.model.unit import Limits


def test_where_nobody_says_anything_what_is_usual_holds() -> None:
    assert terms_of(NOTHING) == Terms(
        kind=None, path=None, status=Statuses(200, 299), command=(), interval=5.0, timeout=5.0, threshold=2,
        successes=2, grace=0.0, limits=Limits(), drain=30.0, bake=300.0, warm=600.0, auto_rollback=True,
    )  # fmt: skip


def test_a_person_decides_over_the_repository_and_that_over_the_installation() -> None:
    terms = terms_of(Said(drain=1.0), Said(drain=2.0, warm=2.0), Said(drain=3.0, warm=3.0, memory_bytes=2**29))
    assert (terms.drain, terms.warm, terms.limits, terms.bake) == (1.0, 2.0, Limits(2**29), 300.0)
    assert [terms.origins[name] for name in ("drain", "warm", "memory_bytes", "bake")] == [
        Origin.PERSON, Origin.REPOSITORY, Origin.INSTALLATION, Origin.USUAL,
    ]  # fmt: skip


def test_nothing_and_no_are_said_too() -> None:
    terms = terms_of(Said(drain=0.0, auto_rollback=False), Said(drain=60.0, auto_rollback=True))
    assert (terms.drain, terms.watched_for) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("person", "repository", "kind"),
    [
        (NOTHING, Said(path="/up"), HealthKind.HTTP),
        (NOTHING, Said(command=("./check",)), HealthKind.COMMAND),
        (Said(path="/up"), Said(kind=HealthKind.COMMAND, command=("./check",)), HealthKind.HTTP),
        (Said(kind=HealthKind.TCP), Said(path="/up"), HealthKind.TCP),
        (Said(timeout=1.0), NOTHING, None),
    ],
)
def test_who_names_a_page_or_a_command_means_that_it_is_asked(
    person: Said, repository: Said, kind: HealthKind | None
) -> None:
    assert terms_of(person, repository).kind is kind


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("health_kind", "tcp", HealthKind.TCP),
        ("health", "/up", "/up"),
        ("health_status", "200", Statuses(200, 200)),
        ("health_status", "200-399", Statuses(200, 399)),
        ("health_command", "sh -c 'test -e ok'", ("sh", "-c", "test -e ok")),
        ("health_interval", "1m", 60.0),
        ("health_threshold", "3", 3),
        ("memory", "1G", 2**30),
        ("cpus", "0.5", 50),
        ("drain", "0", 0.0),
        ("auto_rollback", "No", False),
    ],
)
def test_what_is_written_is_read_and_shown_as_it_can_be_written(key: str, text: str, value: object) -> None:
    said, term = with_term(NOTHING, key, text), TERMS[key]
    assert getattr(said, term.name) == value
    shown = term.shown(value).removesuffix(" CPUs").removesuffix(" CPU")
    assert with_term(NOTHING, key, shown) == said
    assert with_term(said, key, " ") == NOTHING


@pytest.mark.parametrize(
    ("key", "text", "sentence"),
    [
        ("health_kind", "udp", "Choose “http”, “tcp” or “command”."),
        ("health_status", "99", "This is no status of HTTP."),
        ("health_status", "300-200", "This is no status of HTTP."),
        ("health_status", "200-", "This is no status of HTTP."),
        ("health_command", "'", "A quote in this command is never closed."),
        ("health_interval", "0.5", "Use a duration from 1 to 3600 seconds."),
        ("health_threshold", "0", "Use a number from 1 to 100."),
        ("drain", "soon", "This is no duration."),
        ("auto_rollback", "maybe", "Say yes or no."),
    ],
)
def test_a_mistake_names_its_field(key: str, text: str, sentence: str) -> None:
    with pytest.raises(BadInput) as refused:
        with_term(NOTHING, key, text)
    assert (refused.value.message, refused.value.field) == (sentence, key)


def test_each_says_what_holds_whose_that_is_and_what_would_hold_otherwise() -> None:
    person, repository = Said(drain=90.0), Said(drain=60.0)
    terms = shown_terms(person, terms_of(person, repository), terms_of(NOTHING, repository))
    (drain,) = [term for term in terms if term.key == "drain"]
    assert (drain.said, drain.shown, drain.origin, drain.otherwise, drain.value) == (
        "90s", "90s", Origin.PERSON, "1m, from bakery.toml", 90.0,
    )  # fmt: skip
    (kind,) = [term for term in terms if term.key == "health_kind"]
    assert kind.otherwise == "/health where it exists, else the front page, else an open port, as usual"
