"""Hiding secrets in what is written down: by their exact bytes and by what common encodings make of them.

What is found and what overlaps it is replaced by one mark. A value shorter than SHORTEST is not masked: it would be
found everywhere, and hiding it would tell it.
"""

import base64
import html
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from bakery.model.secret import Secret

SHORTEST = 6  # bytes
MARK = "••••".encode()
_LONGEST_RUN = 64 * 1024  # of bytes that one mark stands for


class Masker:
    """Knows the secrets; the longest is looked for first. Stateless: `Masking` follows a stream."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret.reveal()) if len(form) >= SHORTEST}
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        self.longest = len(self._forms[0]) if self._forms else 0

    def mask(self, data: bytes) -> bytes:
        """All of something that is whole."""
        masking = Masking(self)
        return masking.feed(data) + masking.end()

    def mask_text(self, text: str) -> str:
        return self.mask(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def occurrences(self, data: bytes) -> list[tuple[int, int]]:
        """Where each form stands, overlapping ones too, in order of their beginnings."""
        return sorted(span for form in self._forms for span in _spans(form, data))

    def undecided_from(self, data: bytes) -> int:
        """Where in the end of `data` a form may begin that is not whole yet; its length when nowhere."""
        return min((_unfinished(form, data) for form in self._forms), default=len(data))


class Masking:
    """One stream, piece by piece: however it is cut, the same comes out.

    `offset` counts the bytes of the stream that what came out stands for. Who is interrupted goes on from there with a
    new Masking, and nothing is lost, doubled or shown.
    """

    def __init__(self, masker: Masker, *, offset: int = 0) -> None:
        self._masker = masker
        self._held = b""
        self.offset = offset

    def feed(self, data: bytes) -> bytes:
        """What can be said of it by now. A tail that may begin a secret is held back."""
        self._held += data
        return self._take(self._masker.undecided_from(self._held))

    def end(self) -> bytes:
        """The rest: nothing follows."""
        return self._take(len(self._held) + 1)

    def _take(self, decided: int) -> bytes:
        """`decided`: every form that begins before it is whole."""
        data, out, at = self._held, [], 0
        spans = [span for span in self._masker.occurrences(data) if span[0] < decided]
        for begin, end in _joined(spans):
            if end >= decided:  # what follows may still be a part of it
                decided = begin
                break
            out += [data[at:begin], MARK]
            at = end
        until = min(decided, len(data))
        out.append(data[at:until])
        self._held = data[until:]
        self.offset += until
        return b"".join(out)


def _joined(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans that overlap or touch are one, up to a length: a stream of nothing else would be held back for ever."""
    now: tuple[int, int] | None = None
    for begin, end in spans:
        if now is None:
            now = (begin, end)
        elif begin < now[1] or (begin == now[1] and now[1] - now[0] < _LONGEST_RUN):
            if now[1] - now[0] >= _LONGEST_RUN:
                continue  # its beginning is hidden already
            now = (now[0], max(now[1], end))
        else:
            yield now
            now = (begin, end)
    if now is not None:
        yield now


def _spans(form: bytes, data: bytes) -> Iterator[tuple[int, int]]:
    at = data.find(form)
    while at >= 0:
        yield at, at + len(form)
        at = data.find(form, at + 1)


def _unfinished(form: bytes, data: bytes) -> int:
    """The first place in the end of `data` from where it is a beginning of the form, and not all of it."""
    probe = form[:SHORTEST]
    at = data.find(probe, max(0, len(data) - len(form) + 1))
    while at >= 0:
        if form.startswith(data[at:]):
            return at
        at = data.find(probe, at + 1)
    for size in range(min(SHORTEST - 1, len(form) - 1, len(data)), 0, -1):
        if data.endswith(form[:size]):
            return len(data) - size
    return len(data)


def _forms(text: str) -> Iterator[bytes]:
    """Too many rather than too few: each is looked for as it stands. Lines of a long one are often written singly."""
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) < SHORTEST:
        return
    yield raw
    for line in text.splitlines() if "\n" in text or "\r" in text else ():
        yield line.strip().encode("utf-8", "surrogatepass")
    yield from _in_base64(raw)
    yield from (raw.hex().encode(), raw.hex().upper().encode())
    for quoted in (quote(raw, safe=""), quote(raw), quote_plus(raw), quote(raw, safe="!'()*~")):
        yield quoted.encode()
        yield _lower_escapes(quoted).encode()
    for ascii_only in (True, False):
        inner = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield from (form.encode("utf-8", "surrogatepass") for form in (inner, inner.replace("/", "\\/")))
    yield from (form.encode("utf-8", "surrogatepass") for form in _quoted(text))


def _in_base64(raw: bytes) -> Iterator[bytes]:
    """Wherever in a longer text it begins: the letters that are made of it alone."""
    for before, ours in ((0, 0), (1, 2), (2, 3)):
        padded = b"\0" * before + raw
        whole = len(padded) * 8 // 6  # letters that no following byte changes
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(padded)[ours:whole]


def _quoted(text: str) -> Iterator[str]:
    """As shells and programs print it."""
    yield text.replace("'", "'\"'\"'")  # as shlex does
    yield text.replace("'", r"'\''")
    escaped = text
    for character in '\\"$`':
        escaped = escaped.replace(character, f"\\{character}")
    yield escaped
    yield repr(text)[1:-1]
    yield html.escape(text)
    yield html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
    yield "".join(char if char.isalnum() or char in "_./:@%+,=-" else f"\\{char}" for char in text)


def _lower_escapes(quoted: str) -> str:
    head, *rest = quoted.split("%")
    return head + "".join(f"%{part[:2].lower()}{part[2:]}" for part in rest)
