import pytest

from bakery.model.errors import BadInput
from bakery.model.images import ImageReference, parse_image, parse_new_image, parse_port, parse_tag, with_tag
from bakery.model.secret import Secret

DIGEST = f"sha256:{'0a' * 32}"


@pytest.mark.parametrize(
    ("text", "reference", "registry", "exact"),
    [
        ("nginx", ImageReference("nginx"), "", "nginx:latest"),
        (" team/shop:1.2 ", ImageReference("team/shop", "1.2"), "", "team/shop:1.2"),
        ("localhost/shop", ImageReference("localhost/shop"), "localhost", "localhost/shop:latest"),
        (
            "a.example:5000/shop:1",
            ImageReference("a.example:5000/shop", "1"),
            "a.example:5000",
            "a.example:5000/shop:1",
        ),
        (
            f"a.example/shop@{DIGEST}",
            ImageReference("a.example/shop", "latest", DIGEST),
            "a.example",
            f"a.example/shop@{DIGEST}",
        ),
        (f"shop:1@{DIGEST}", ImageReference("shop", "1", DIGEST), "", f"shop@{DIGEST}"),
    ],
)
def test_an_image_is_named_as_for_docker(text: str, reference: ImageReference, registry: str, exact: str) -> None:
    found = parse_image(text)
    assert (found, found.registry, found.exact) == (reference, registry, exact)
    assert parse_image(str(found)) == found


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "Like nginx:1.27"),
        ("https://a.example/shop", "Like nginx:1.27"),
        ("Shop/Web", "Its path is written in small letters: shop/web"),
        ("shop:", "Like"),
        ("shop:1 2", "Like"),
        ("shop@sha256:abc", "Like"),
        ("--help", "Like"),
        ("shop\n", None),
        ("shöp", "Like"),
        ("a//b", "Like"),
        ("bakery/shop:4", "Like"),
        ("docker.io/bakery/shop:4", "Like"),
        ("x" * 401, "Like"),
        ("shop\0", "Like"),
    ],
)
def test_what_names_no_image_is_refused_with_what_would(text: str, hint: str | None) -> None:
    if hint is None:
        assert parse_image(text) == ImageReference("shop")
        return
    with pytest.raises(BadInput) as refused:
        parse_image(text)
    assert refused.value.field == "image"
    assert refused.value.hint.startswith(hint)


@pytest.mark.parametrize("text", ["0", "65536", "-1", "8o", "8.0", "9" * 50, "٣"])
def test_a_port_is_one_of_a_container(text: str) -> None:
    with pytest.raises(BadInput, match="from 1 to 65535"):
        parse_port(text)


def test_no_port_is_what_the_image_exposes() -> None:
    assert (parse_port(""), parse_port(None), parse_port(" 8080 "), parse_port(80)) == (None, None, 8080, 80)


@pytest.mark.parametrize("text", ["", "-x", "a b", "a/b", "a:b", "x" * 129, "sha256:abc"])
def test_what_cannot_be_a_tag_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_tag(text)


def test_another_tag_or_digest_names_another_image_of_the_same_name() -> None:
    shop = parse_image(f"a.example/shop:1@{DIGEST}")
    assert str(with_tag(shop, parse_tag("2"))) == "a.example/shop:2"
    assert with_tag(parse_image("a.example/shop:1"), parse_tag(DIGEST)).exact == f"a.example/shop@{DIGEST}"


def test_a_password_is_somebodys() -> None:
    with pytest.raises(BadInput, match="Say whose password this is"):
        parse_new_image(image="shop", password=Secret("x"))
    with pytest.raises(BadInput, match="without a colon"):
        parse_new_image(image="shop", username="a:b", password=Secret("x"))
    with pytest.raises(BadInput, match="is one line"):
        parse_new_image(image="shop", username="a", password=Secret("x\ny"))
