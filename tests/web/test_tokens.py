"""The contrast of every pair of colours that meet, recomputed from tokens.css."""

import math
import re

import pytest

from bakery.web.assets import FOLDER

_PAIR = re.compile(r"--([a-z0-9-]+):\s*light-dark\((#[0-9a-fA-F]{6}), (#[0-9a-fA-F]{6})\)")
COLOURS = {name: (light, dark) for name, light, dark in _PAIR.findall((FOLDER / "tokens.css").read_text())}
GROUNDS = ("page", "surface", "sunken", "hover")
STATUSES = ("ok", "run", "warn", "bad", "off")
LIGHT, DARK = 0, 1


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def lowest(ink: str, grounds: tuple[str, ...], theme: int) -> float:
    ratio = min(contrast(COLOURS[ink][theme], COLOURS[ground][theme]) for ground in grounds)
    return math.floor(ratio * 10) / 10


@pytest.mark.parametrize(
    ("ink", "light", "dark"),
    [
        ("text", 13.4, 13.1),
        ("text-2", 6.7, 8.8),
        ("text-3", 5.0, 5.7),
        ("field", 3.5, 3.7),
        ("focus", 5.5, 7.1),
    ],
)
def test_ink_on_every_ground(ink: str, light: float, dark: float) -> None:
    assert (lowest(ink, GROUNDS, LIGHT), lowest(ink, GROUNDS, DARK)) == (light, dark)


@pytest.mark.parametrize(
    ("ink", "light", "dark"),
    [
        ("crust", 5.8, 6.8),
        ("ok", 5.5, 7.8),
        ("run", 5.5, 7.5),
        ("warn", 5.9, 8.3),
        ("bad", 5.4, 7.4),
        ("off", 5.9, 6.8),
    ],
)
def test_a_colour_on_every_ground_and_on_its_own_tint(ink: str, light: float, dark: float) -> None:
    grounds = (*GROUNDS, f"{ink}-tint")

    assert (lowest(ink, grounds, LIGHT), lowest(ink, grounds, DARK)) == (light, dark)


@pytest.mark.parametrize(
    ("ink", "ground", "light", "dark"),
    [("on-crust", "crust", 6.8, 8.3), ("on-crust", "crust-hover", 9.0, 10.0), ("on-bad", "bad", 6.5, 9.0)],
)
def test_words_on_filled_buttons(ink: str, ground: str, light: float, dark: float) -> None:
    assert (lowest(ink, (ground,), LIGHT), lowest(ink, (ground,), DARK)) == (light, dark)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize(("ink", "least"), [("text", 12.1), ("text-2", 5.5), ("crust", 5.5), ("text-3", 4.9)])
def test_text_on_the_tint_of_any_status(ink: str, least: float, theme: int) -> None:
    assert lowest(ink, tuple(f"{status}-tint" for status in STATUSES), theme) >= least


@pytest.mark.parametrize("number", range(16))
def test_the_colours_of_a_log_on_its_ground(number: int) -> None:
    assert lowest(f"a{number}", ("sunken",), LIGHT) >= 4.5
    assert lowest(f"a{number}", ("sunken",), DARK) >= 5.1
