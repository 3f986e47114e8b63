"""What certbot's log says of a refusal; the logs of its 2.1 in Debian, shortened."""

import pytest

from bakery.helper.acme_log import Refusal, refusal_in

ASKED = "2026-11-26 11:43:51,302:DEBUG:acme.client:Sending POST request to https://ca.example/order:\n{}\n"


def answered(status: int, body: str, *headers: str) -> str:
    lines = "\n".join((f"HTTP {status}", "Date: Thu, 26 Nov 2026 11:43:52 GMT", *headers))
    return (
        f"{ASKED}2026-11-26 11:43:52,306:DEBUG:acme.client:Received response:\n{lines}\n\n{body}\n"
        "2026-11-26 11:43:52,307:DEBUG:acme.client:Storing nonce: x\n"
    )


def problem(kind: str, detail: str = "Because.") -> str:
    return f'{{\n  "type": "urn:ietf:params:acme:error:{kind}",\n  "detail": "{detail}"\n}}'


@pytest.mark.parametrize(
    ("log", "refusal"),
    [
        (answered(429, problem("rateLimited"), "Retry-After: 3600"), Refusal("rate-limited", "Because.", "", 3600)),
        (
            answered(429, problem("rateLimited"), "retry-after: Thu, 26 Nov 2026 12:43:52 GMT"),
            Refusal("rate-limited", "Because.", "", 3600),
        ),
        (answered(503, "<p>", "Retry-After: soon"), Refusal("rate-limited", "It answered with status 503.")),
        (answered(400, problem("badNonce")), Refusal("nonce", "Because.")),
        (answered(400, problem("badNonce")) + answered(201, "{}"), Refusal("nonce", "Because.")),
        (answered(400, problem("badNonce")) + answered(403, problem("caa")), Refusal("caa", "Because.")),
        (answered(500, problem("serverInternal")), Refusal("authority", "Because.")),
        (answered(400, problem("rejectedIdentifier")), Refusal("refused-name", "Because.")),
        (answered(400, problem("newerThanUs")), Refusal("other", "Because.")),
        (answered(502, "[" * 100_000), Refusal("authority", "It answered with status 502.")),
        (
            answered(
                200,
                '{"status": "invalid", "identifier": {"type": "dns", "value": "a.example"}, "challenges": '
                f'[{{"status": "invalid", "error": {problem("dns", "No A record.")}}}]}}',
            ),
            Refusal("dns", "No A record.", "a.example"),
        ),
        (answered(200, '{"meta": {"externalAccountRequired": true}}'), Refusal("account", "It said no.")),
        (answered(200, "{}") + ASKED + "Traceback:\nTimeout\n", Refusal("unreachable", "It said no.")),
        ("", Refusal("other", "It said no.")),
    ],
)
def test_what_an_authority_refused_is_understood(log: str, refusal: Refusal) -> None:
    assert refusal_in(log, "It said no.", has_account=False).told() == refusal.told()


def test_an_account_that_was_given_is_not_what_is_missing() -> None:
    log = answered(200, '{"meta": {"externalAccountRequired": true}}') + answered(401, problem("unauthorized"))
    assert refusal_in(log, "", has_account=True).kind == "unauthorized"
