import pytest

from bakery.model.errors import BadInput
from bakery.model.github import PUBLIC, api_of, parse_client_id, parse_client_secret, parse_github_url
from bakery.model.secret import Secret


@pytest.mark.parametrize(
    ("typed", "meant", "api"),
    [
        ("", "https://github.com", "https://api.github.com"),
        (" https://GitHub.com/ ", "https://github.com", "https://api.github.com"),
        ("https://git.example.com:8443", "https://git.example.com:8443", "https://git.example.com:8443/api/v3"),
        ("https://10.0.0.7", "https://10.0.0.7", "https://10.0.0.7/api/v3"),
        ("https://[fd00::7]", "https://[fd00::7]", "https://[fd00::7]/api/v3"),
        ("http://127.0.0.1:9", "http://127.0.0.1:9", "http://127.0.0.1:9/api/v3"),
    ],
)
def test_a_server_is_named_by_its_address(typed: str, meant: str, api: str) -> None:
    url = parse_github_url(typed)
    assert (url, api_of(url)) == (meant, api)
    assert (url == PUBLIC) == (meant == "https://github.com")


@pytest.mark.parametrize(
    "typed",
    [
        "github.com", "ftp://github.com", "https://", "https://:443", "https://git.example.com:", "https://a@b.example",
        "https://git.example.com/x", "https://git.example.com?x", "https://git.example.com#x", "https://git..example",
        "https://git.example.com:99999", "https://[::1", "https://git example.com", "https://gít.example.com",
        "http://git.example.com", "http://10.0.0.7", "https://169.254.169.254", "https://[fe80::1]", "https://0.0.0.0",
        "https://224.0.0.1", f"https://{'a' * 200}.example", "https://git.example.com\\@evil.example", "\ud800",
    ],
)  # fmt: skip
def test_what_is_no_server_is_refused(typed: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_github_url(typed)
    assert refused.value.field == "url"


def test_ids_and_secrets_are_words() -> None:
    assert parse_client_id(" Iv1.8a61f9b3a7aba766 ") == "Iv1.8a61f9b3a7aba766"
    assert parse_client_secret(Secret(" s3cret\n")) == Secret("s3cret")
    for wrong in ("", " ", "a b", "a\nb", "é", "a" * 401):
        with pytest.raises(BadInput):
            parse_client_id(wrong)
        with pytest.raises(BadInput):
            parse_client_secret(Secret(wrong))
