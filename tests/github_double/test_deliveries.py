"""What the double sends holds before Bakery's own look at signatures."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bakery.hooks.signatures import why_not_signed
from bakery.model.secret import Secret
from tests.github_double.deliveries import of_app, of_repository
from tests.github_double.world import App, OAuthClient, Repository, World
from tests.hooks.pushes import A, B
from tests.hooks.pushes import github as a_push

SECRET = "s3cret"
Came = list[tuple[dict[str, str], bytes]]


@pytest.fixture
def came() -> Came:
    return []


@pytest.fixture
def listener(came: Came) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            came.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}/hooks/github"
        listening.shutdown()
        thread.join()


def hooked(url: str, *, secret: str = SECRET, form: str = "json", active: bool = True) -> Repository:
    repository = World().repository("acme/shop")
    config = {"url": url, "content_type": form, **({"secret": secret} if secret else {})}
    repository.hooks[7] = {"id": 7, "active": active, "events": ["push"], "config": config}
    return repository


@pytest.mark.parametrize("form", ["json", "form"])
def test_a_push_arrives_signed_over_its_bytes(listener: str, came: Came, form: str) -> None:
    delivery = of_repository(hooked(listener, form=form), 7, "push", a_push(A, B))
    assert delivery is not None
    assert delivery.send() == 202
    ((headers, body),) = came
    assert (headers["x-github-event"], headers["x-github-hook-id"]) == ("push", "7")
    assert why_not_signed(headers, body, Secret(SECRET), at=0) == ""
    assert why_not_signed(headers, body + b" ", Secret(SECRET), at=0) != ""
    assert why_not_signed(headers, body, Secret("another"), at=0) != ""


def test_sent_again_it_keeps_its_id(listener: str, came: Came) -> None:
    delivery = of_repository(hooked(listener), 7, "push", a_push(A, B))
    other = of_repository(hooked(listener), 7, "push", a_push(A, B))
    assert delivery is not None
    assert other is not None
    for each in (delivery, delivery, other):
        each.send()
    first, again, another = (headers["x-github-delivery"] for headers, _ in came)
    assert first == again != another


def test_a_hook_without_a_secret_is_sent_no_signature() -> None:
    delivery = of_repository(hooked("http://127.0.0.1:9", secret=""), 7, "push", a_push(A, B))
    assert delivery is not None
    assert why_not_signed(delivery.headers, delivery.body, Secret(SECRET), at=0) == "It came without a signature."


def test_a_hook_hears_only_what_it_listens_to() -> None:
    assert of_repository(hooked("http://127.0.0.1:9"), 7, "issues", {}) is None
    assert of_repository(hooked("http://127.0.0.1:9", active=False), 7, "push", {}) is None
    assert of_repository(hooked("http://127.0.0.1:9"), 7, "ping", {"zen": "Keep it logically awesome."}) is not None


def test_the_hook_of_an_app_is_signed_with_the_secret_of_the_app() -> None:
    app = App(5, "Bakery", OAuthClient("Iv1.a", "b", ()), "", "of the app", {}, ("push",))
    delivery = of_app(app, "http://127.0.0.1:9", "push", a_push(A, B))
    assert delivery.headers["x-github-hook-installation-target-type"] == "integration"
    assert why_not_signed(delivery.headers, delivery.body, Secret("of the app"), at=0) == ""
