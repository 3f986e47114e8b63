import re
from pathlib import Path

import pytest

from bakery.model.certificates import LETSENCRYPT, STAGING
from bakery.model.errors import BadInput, NotReady
from bakery.setting_values import parse_base_url
from bakery.settings import KNOWN, Settings, find_unknown, read_settings

HOME = {"HOME": "/home/ada"}


def test_nothing_has_to_be_set() -> None:
    settings = read_settings(HOME, is_root=False)
    assert settings.data_dir == Path("/home/ada/.local/share/bakery/control")
    assert settings.node_dir == Path("/home/ada/.local/share/bakery/node")
    assert (settings.host, settings.port) == ("127.0.0.1", 4100)
    assert settings.database_url is None
    assert settings.apps_domain == "localhost"
    assert settings.job_log_bytes == 512 * 1024 * 1024


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "512 MB", "²", "100001", "9" * 5000])
def test_a_jobs_log_is_kept_up_to_a_whole_number_of_megabytes(text: str) -> None:
    assert read_settings({**HOME, "BAKERY_JOB_LOG_MB": "2"}, is_root=False).job_log_bytes == 2 * 1024 * 1024
    with pytest.raises(NotReady, match=r"BAKERY_JOB_LOG_MB: .* is not a number of megabytes between 1 and 100000"):
        read_settings({**HOME, "BAKERY_JOB_LOG_MB": text}, is_root=False)


def test_root_has_the_machines_own_folders() -> None:
    settings = read_settings(HOME, is_root=True)
    assert settings.data_dir == Path("/var/lib/bakery/control")
    assert settings.encryption_key_file == Path("/var/lib/bakery/control/encryption.key")


def test_every_mistake_is_told_at_once_a_sentence_each() -> None:
    with pytest.raises(NotReady) as refused:
        read_settings(
            {
                **HOME,
                "BAKERY_PORT": "80 80",
                "BAKERY_HOST": "everywhere",
                "DATABASE_URL": "mysql://x",
                "BAKERY_DATA_DIR": "relative",
                "SESSION_SECRET": "short",
                "BAKERY_PUBLIC_IP": "1.2.3",
                "BAKERY_BASE_URL": "bakery.example.com",
                "BAKERY_ADMIN_EMAIL": "nobody",
            },
            is_root=False,
        )
    lines = refused.value.message.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "BAKERY_DATA_DIR",
        "BAKERY_ADMIN_EMAIL",
        "DATABASE_URL",
        "SESSION_SECRET",
        "BAKERY_HOST",
        "BAKERY_PORT",
        "BAKERY_BASE_URL",
        "BAKERY_PUBLIC_IP",
    ]
    assert all(line.endswith(".") for line in lines)


def test_an_admin_needs_both_an_address_and_a_password() -> None:
    with pytest.raises(NotReady, match="belong together"):
        read_settings({**HOME, "BAKERY_ADMIN_EMAIL": "ada@example.com"}, is_root=False)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text(
        "# ours\nBAKERY_PORT=5000\nexport BAKERY_HOST='127.0.0.2'\n\nBAKERY_APPS_DOMAIN=\"apps.example.com\"\n"
    )
    settings = read_settings({**HOME, "BAKERY_PORT": "6000"}, dotenv=dotenv, is_root=False)
    assert (settings.port, settings.host, settings.apps_domain) == (6000, "127.0.0.2", "apps.example.com")


def test_a_line_of_the_file_that_says_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BAKERY_PORT=5000\nwhat is this\n")
    with pytest.raises(NotReady, match="line 2 is not NAME=value"):
        read_settings(HOME, dotenv=tmp_path / ".env", is_root=False)


def test_settings_never_show_their_secrets() -> None:
    settings = read_settings(
        {**HOME, "DATABASE_URL": "postgresql://u:canary@h/d", "SESSION_SECRET": "canary" * 8}, is_root=False
    )
    assert "canary" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://bakery.example.com", "https://bakery.example.com"),
        ("https://Bakery.Example.com/", "https://bakery.example.com"),
        ("http://192.0.2.7:4100/bakery/", "http://192.0.2.7:4100/bakery"),
        ("http://[2001:db8::1]:4100", "http://[2001:db8::1]:4100"),
    ],
)
def test_a_base_url_is_kept_in_one_form(text: str, url: str) -> None:
    assert parse_base_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bakery",
        "ftp://x",
        "https://",
        "https://a b",
        "https://x/?q=1",
        "https://x/#f",
        "https://u:p@x",
        "https://x:port",
        "https://x//y",
        "https://x/%2e%2e",
        "https://x\n.evil",
        "javascript://x",
        "https://x:99999",
        "https://exa\0mple",
    ],
)
def test_what_is_no_base_url_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_base_url(text)


def test_a_misspelt_setting_is_told_with_the_one_that_was_meant(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("BAKERY_APP_DOMAIN=example.com\n")
    environ = {"BAKERY_HSOT": "127.0.0.1", "BAKERY_PORT": "80", "BAKERY_TOKEN": "bky_1", "BAKED": "yes"}
    assert find_unknown(environ, dotenv=dotenv) == [
        "BAKERY_APP_DOMAIN is not a setting of Bakery; do you mean BAKERY_APPS_DOMAIN?",
        "BAKERY_HSOT is not a setting of Bakery; do you mean BAKERY_HOST?",
    ]


def test_every_setting_is_documented() -> None:
    page = Path("docs/settings.md").read_text()
    documented = re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE)
    assert documented == [setting.name for setting in KNOWN]


def test_every_setting_that_is_read_is_known() -> None:
    source = Path("src/bakery/settings.py").read_text()
    read = set(re.findall(r'take\("([A-Z_]+)"', source))
    assert read == {setting.name for setting in KNOWN}
    assert len(Settings.__slots__) == len(KNOWN)


def test_faults_on_purpose_are_for_development_alone() -> None:
    with pytest.raises(NotReady, match="set BAKERY_DEVELOPMENT=1 too"):
        read_settings({"BAKERY_FAULT": "switch.begun:kill"})
    told = read_settings({"BAKERY_FAULT": "switch.begun:kill", "BAKERY_DEVELOPMENT": "1"})
    assert told.fault == "switch.begun:kill"


def test_who_issues_certificates_has_a_name_or_an_address() -> None:
    def directory(text: str) -> str | None:
        return read_settings({**HOME, "BAKERY_ACME_DIRECTORY": text}, is_root=False).acme_directory

    assert [directory(text) for text in ("", "letsencrypt", "staging", "none", "https://ca.example:9000/acme/dir")] == [
        LETSENCRYPT, LETSENCRYPT, STAGING, None, "https://ca.example:9000/acme/dir"
    ]  # fmt: skip
    for text in ("http://ca.example/dir", "ca.example", "https://ca.example/a b"):
        with pytest.raises(NotReady, match=r"BAKERY_ACME_DIRECTORY: .* is none of letsencrypt, staging and none"):
            directory(text)


def test_an_oauth_app_of_github_has_an_id_a_secret_and_a_server() -> None:
    whole = {"GITHUB_CLIENT_ID": "Iv1.8a61", "GITHUB_CLIENT_SECRET": "s3cret", "GITHUB_URL": "https://git.example.com"}
    settings = read_settings({**HOME, **whole}, is_root=False)
    assert (settings.github_client_id, settings.github_url) == ("Iv1.8a61", "https://git.example.com")
    assert "s3cret" not in repr(settings)
    with pytest.raises(NotReady, match="GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET belong together"):
        read_settings({**HOME, "GITHUB_CLIENT_ID": "Iv1.8a61"}, is_root=False)
    for wrong in ({"GITHUB_CLIENT_ID": "a b"}, {"GITHUB_CLIENT_SECRET": "a b"}, {"GITHUB_URL": "http://10.0.0.1"}):
        with pytest.raises(NotReady, match=next(iter(wrong))):
            read_settings({**HOME, **wrong}, is_root=False)


def test_an_account_of_an_authority_needs_an_id_and_a_key() -> None:
    with pytest.raises(NotReady, match="BAKERY_ACME_EAB_KID and BAKERY_ACME_EAB_KEY belong together"):
        read_settings({**HOME, "BAKERY_ACME_EAB_KID": "kid-1"}, is_root=False)
    for wrong in ({"BAKERY_ACME_EAB_KID": "kid 1"}, {"BAKERY_ACME_EAB_KEY": "a+b"}, {"BAKERY_ACME_CA": "/nothing"}):
        with pytest.raises(NotReady, match=next(iter(wrong))):
            read_settings({**HOME, **wrong}, is_root=False)
