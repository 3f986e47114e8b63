import pytest

from bakery.model.errors import BadInput
from bakery.model.runtimes import Runtime
from bakery.model.volumes import parse_volumes, shown_volumes


def test_volumes_are_names_with_paths_whatever_stands_between_them() -> None:
    found = parse_volumes(" data:/var/data,\nuploads:public/up ", runtime=Runtime.DOCKER)
    assert found == {"data": "/var/data", "uploads": "public/up"}
    assert shown_volumes(found) == "data:/var/data uploads:public/up"
    assert parse_volumes("", runtime=Runtime.DOCKER) == {}


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("data", "A volume is NAME:PATH"),
        ("Data:/x", "A volume is NAME:PATH"),
        ("my-data:/x", "A volume is NAME:PATH"),
        ("blue:/x", "A volume is NAME:PATH"),
        ("data:", "A volume's path holds letters"),
        ("data:/x/../etc", "A volume's path holds letters"),
        ("data:x;rm", "A volume's path holds letters"),
        ("data:/etc/x", "A volume cannot lie in /etc"),
        ("data:/a data:/b", "Two volumes are called data"),
        ("data:/a more:/a/b", "The volumes at /a and /a/b lie in one another"),
        (" ".join(f"v{number}:/v{number}" for number in range(21)), "at most 20 volumes"),
    ],
)
def test_what_is_no_volume_is_refused_by_one_grammar(text: str, refused: str) -> None:
    with pytest.raises(BadInput, match=refused) as found:
        parse_volumes(text, runtime=Runtime.DOCKER)
    assert found.value.field == "volumes"


def test_a_volume_of_a_process_lies_below_it() -> None:
    with pytest.raises(BadInput, match="The volume data cannot lie at /var/data: a process sees its machine's own"):
        parse_volumes("data:/var/data", runtime=Runtime.PROCESS)
