import pytest

from bakery.model.errors import BadInput
from bakery.model.host_names import parse_domain_name, readable


@pytest.mark.parametrize(
    ("typed", "host", "shown"),
    [
        ("shop.example.com", "shop.example.com", "shop.example.com"),
        ("  Shop.Example.COM. ", "shop.example.com", "shop.example.com"),
        ("Bücher.example", "xn--bcher-kva.example", "bücher.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("*.shop.example.com", "*.shop.example.com", "*.shop.example.com"),
        ("例え.example", "xn--r8jz45g.example", "例え.example"),
        ("ёлка.example", "xn--80atc1g.example", "ёлка.example"),
        ("a" * 63 + ".example", "a" * 63 + ".example", "a" * 63 + ".example"),
    ],
)
def test_a_host_name_is_known_in_ascii_and_shown_as_typed(typed: str, host: str, shown: str) -> None:
    found = parse_domain_name(typed)
    assert (found.host, found.shown, found.is_wildcard) == (host, shown, host.startswith("*"))


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Between two dots, and before the first, there has to be a name."),
        (".example.com", "Between two dots, and before the first, there has to be a name."),
        ("shop..example.com", "Between two dots, and before the first, there has to be a name."),
        ("..", "Between two dots, and before the first, there has to be a name."),
        ("shop", "“shop” is not a whole host name."),
        ("*.com", "“com” is not a whole host name."),
        ("*", "A star stands alone at the beginning."),
        ("shop.*.example.com", "A star stands alone at the beginning."),
        ("*.*.example.com", "A star stands alone at the beginning."),
        ("https://shop.example.com/cart", "Use a host name alone, without http://, port or path."),
        ("shop.example.com:443", "Use a host name alone, without http://, port or path."),
        ("shop example.com", "A host name holds no spaces and no invisible characters."),
        ("shop\u200b.example.com", "A host name holds no spaces and no invisible characters."),
        ("192.0.2.7", "192.0.2.7 is an IP address; a host name is needed here."),
        ("shop.example.7", "The last part of a host name is no number."),
        ("a." * 149 + "ab", "A host name has at most 253 characters; this one has 300."),
        ("a" * 64 + ".example", "A part between dots has at most 63 characters; one has 64."),
        ("аpple.example", "“аpple” mixes Cyrillic and Latin letters that look alike."),
        ("аｐｐｌｅ.example", "“аpple” mixes Cyrillic and Latin letters that look alike."),
        ("xn--pple-43d.example", "“аpple” mixes Cyrillic and Latin letters that look alike."),
        ("my_shop.example", "Use a host name alone, without http://, port or path."),
        ("-shop.example", "Use a host name alone, without http://, port or path."),
        ("a b;.example", "A host name holds no spaces and no invisible characters."),
    ],
)
def test_what_is_no_host_name_is_refused_with_what_is_wrong(typed: str, sentence: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_domain_name(typed)
    assert (refused.value.message, refused.value.field) == (sentence, "host")


def test_the_letters_that_punycode_stands_for_can_be_read() -> None:
    assert readable("*.xn--bcher-kva.example") == "*.bücher.example"
    assert readable("xn--zzzzzzzz9.example") == "xn--zzzzzzzz9.example"
