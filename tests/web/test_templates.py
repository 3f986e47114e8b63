"""Every page template, with something in it: strict, well formed, and in our words."""

import re
from pathlib import Path

import jinja2
import pytest

from bakery.access.passwords import SHORTEST
from bakery.web.assets import FOLDER
from tests.web import samples
from tests.web.html_check import problems_of
from tests.web.samples.slots import some_slots

GATES = samples.gate_pages()
SHELLS = samples.shell_pages()
SOURCES = sorted(samples.TEMPLATES.rglob("*.html"))
LIMIT = 60 * 1024


@pytest.fixture(scope="module")
def env() -> jinja2.Environment:
    return samples.environment()


def _gate(env: jinja2.Environment, name: str) -> str:
    template, page = GATES[name]
    return env.get_template(template).render(page=page, gate=samples.a_gate(insecure=True))


def _shell(env: jinja2.Environment, name: str) -> str:
    template, page, shell = SHELLS[name]
    return env.get_template(template).render(page=page, shell=shell)


@pytest.mark.parametrize("name", GATES)
def test_a_page_before_sign_in_is_well_formed(env: jinja2.Environment, name: str) -> None:
    assert problems_of(_gate(env, name)) == []


@pytest.mark.parametrize("name", SHELLS)
def test_a_page_in_the_shell_is_well_formed_and_small(env: jinja2.Environment, name: str) -> None:
    html = _shell(env, name)

    assert problems_of(html) == []
    assert len(html.encode()) <= LIMIT


@pytest.mark.parametrize("name", [*GATES, *SHELLS])
def test_every_address_is_below_the_prefix(env: jinja2.Environment, name: str) -> None:
    html = _gate(env, name) if name in GATES else _shell(env, name)

    addresses = re.findall(r'\b(?:href|action|src|hx-get|data-events|data-source|data-href)="([^"]*)"', html)

    elsewhere = [
        address
        for address in addresses
        if not address.startswith(
            ("/bakery/", "#", "https://shop.example.com", "https://github.com/", "http://bakery.example.com")
        )
    ]
    assert set(elsewhere) <= {""}  # the page itself


@pytest.mark.parametrize("name", [*GATES, *SHELLS])
def test_every_form_that_posts_carries_the_csrf_token(env: jinja2.Environment, name: str) -> None:
    html = _gate(env, name) if name in GATES else _shell(env, name)

    forms = re.findall(r'<form([^>]*method="post"[^>]*)>(.*?)</form>', html, flags=re.DOTALL)

    for opening, form in forms:  # another site is told nothing of it
        assert ('name="csrf_token" value="a-token"' in form) is ('action="https://github.com/' not in opening)


def test_every_page_template_has_a_sample() -> None:
    partials = {"base.html", "shell.html", "gate.html"}
    pages = {path.relative_to(samples.TEMPLATES).as_posix() for path in SOURCES} - partials
    shown = {template for template, *_ in (*GATES.values(), *SHELLS.values())}

    assert shown == {page for page in pages if "components/" not in page and not Path(page).name.startswith("_")}


def test_what_people_typed_is_shown_as_text(env: jinja2.Environment) -> None:
    html = _shell(env, "apps-no-match")

    assert 'value="&lt;b&gt;"' in html
    assert "“&lt;b&gt;”" in html


def test_a_password_never_comes_back(env: jinja2.Environment) -> None:
    fields = re.findall(r'<input[^>]*type="password"[^>]*>', _gate(env, "setup-wrong") + _shell(env, "security"))

    assert len(fields) == 3
    assert not any("value=" in field for field in fields)


def test_the_least_length_of_a_password_is_said_as_it_is(env: jinja2.Environment) -> None:
    assert f"At least {SHORTEST} characters." in _gate(env, "setup")


def test_the_values_and_errors_of_a_refused_form_stay(env: jinja2.Environment) -> None:
    html = _gate(env, "setup-wrong")

    assert 'name="email" type="email" value="ops1"' in html
    assert 'aria-describedby="f-email-help f-email-error" aria-invalid="true"' in html
    assert "This is not an e-mail address like name@example.com." in html


def test_what_a_role_may_not_do_is_shown_with_the_reason(env: jinja2.Environment) -> None:
    html = _shell(env, "app-viewer")

    assert "disabled" in html
    assert "Developers can do this. Ask an Admin." in html
    assert "/apps/shop/redeploy" not in html


def test_a_partial_renders_alone(env: jinja2.Environment) -> None:
    deployment = env.get_template("deployments/_deployment.html").render(
        deployment=samples.a_deployment(), csrf="a-token"
    )
    app = env.get_template("apps/_app.html").render(
        app=samples.an_app(), slots=some_slots(), app_tabs=[], csrf="a-token"
    )
    side = env.get_template("_side_apps.html").render(apps=[], apps_total=0, filter="x")

    assert 'id="deployment-100" data-live="deployment:100"' in deployment
    assert 'id="app" data-live="app:shop"' in app
    assert 'id="side-apps" data-live="apps"' in side


def test_the_palette_shows_what_was_found(env: jinja2.Environment) -> None:
    template = env.get_template("_palette_results.html")

    assert 'data-href="/bakery/apps/shop"' in template.render(groups=samples.palette(), query="s")
    assert "Nothing matches “x”." in template.render(groups=[], query="x")


@pytest.mark.parametrize("phrase", ["Something went wrong", "Are you sure", ">Submit<", ">OK<", ">Yes<"])
def test_our_words(phrase: str) -> None:
    guilty = [path.name for path in [*SOURCES, *FOLDER.glob("js/*.js")] if phrase.lower() in path.read_text().lower()]

    assert guilty == []


def test_every_key_that_is_listed_does_something(env: jinja2.Environment) -> None:
    listed = re.findall(r"<dt>((?:<kbd>[^<]+</kbd>)+)</dt>", _shell(env, "dashboard"))
    combinations = {" ".join(re.findall(r"<kbd>([^<]+)</kbd>", keys)) for keys in listed}

    links = set(re.findall(r'data-key="([^"]+)"', _shell(env, "dashboard")))
    scripted = set(re.findall(r'^  "(.)": ', (FOLDER / "js/shortcuts.js").read_text(), flags=re.MULTILINE))

    assert combinations - links - scripted == {"Ctrl K", "Esc"}  # which tests in a browser press


def test_nothing_needs_eval() -> None:
    """Trigger filters, hx-on and hx-vals with js: would, and the content security policy refuses it."""
    for path in SOURCES:
        assert not re.search(r"hx-on|hx-vals|hx-trigger=\"[^\"]*\[|javascript:", path.read_text()), path.name


def test_every_icon_and_shape_is_in_the_sprite() -> None:
    sprite = (samples.TEMPLATES / "_icons.html").read_text() + (samples.TEMPLATES / "_shapes.html").read_text()
    there = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    pages = "".join(_shell(samples.environment(), name) for name in SHELLS)

    assert set(re.findall(r'<use href="#([^"]+)"', pages)) <= there
