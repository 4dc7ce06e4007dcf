"""The contrast of the page's colours, computed from its style sheet as WCAG 2.2 defines it."""

from __future__ import annotations

import re

import pytest

from elmo_tasks.demo.page import style

TEXTS = [  # a text and what it stands on
    *((text, under) for text in ("ink", "quiet") for under in ("page", "card")),
    ("ink", "field"),
    ("ink", "note"),
    ("card", "ink"),  # a predicate
    ("accent", "card"),  # the verdict
    ("on-accent", "accent"),  # the button
]
GRAPHICS = [
    ("edge", "field"),
    ("edge", "card"),
    ("edge", "page"),
    ("focus", "page"),
    ("focus", "card"),
    ("accent", "track"),
]
COLOUR = r"#[0-9a-f]{6}"


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def mixed(share: float, one: str, other: str) -> str:
    """`color-mix(in srgb, one share, other)`."""
    pairs = [(int(one[place : place + 2], 16), int(other[place : place + 2], 16)) for place in (1, 3, 5)]
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in pairs)


def variables(rules: str) -> dict[str, str]:
    return dict(re.findall(rf"--([a-z-]+): ({COLOUR})", rules))


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> tuple[dict[str, str], list[str]]:
    """The colours by name, and the tints."""
    light, dark = re.split(r"@media \(prefers-color-scheme: dark\)", style())
    dark = dark[: dark.index("\n}\n")]
    chosen = light if request.param == "light" else dark
    named = variables(re.search(r":root \{.*?\}", chosen, re.DOTALL)[0])  # type: ignore[index]
    tints = re.findall(rf"\.t\d+ \{{ --tint: ({COLOUR}); \}}", chosen)
    assert len(tints) == 12 and len(set(tints)) == 12
    return named, tints


def test_both_themes_name_the_same_colours() -> None:
    roots = re.findall(r":root \{(.*?)\}", style(), re.DOTALL)
    assert len(roots) == 2 and variables(roots[0]).keys() == variables(roots[1]).keys()


def test_contrast_by_hand() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert mixed(0.5, "#000000", "#ff8040") == "#804020"


@pytest.mark.parametrize(("text", "under"), TEXTS)
def test_text_has_contrast(theme: tuple[dict[str, str], list[str]], text: str, under: str) -> None:
    assert contrast(theme[0][text], theme[0][under]) >= 4.5


@pytest.mark.parametrize(("drawn", "under"), GRAPHICS)
def test_edges_and_the_focus_have_contrast(theme: tuple[dict[str, str], list[str]], drawn: str, under: str) -> None:
    assert contrast(theme[0][drawn], theme[0][under]) >= 3


def test_labels_have_contrast_in_every_tint(theme: tuple[dict[str, str], list[str]]) -> None:
    named, tints = theme
    for tint in tints:
        assert contrast(named["on-tint"], tint) >= 4.5, tint
        assert contrast(tint, named["card"]) >= 4.5, tint
        assert contrast(named["ink"], mixed(0.15, tint, named["card"])) >= 4.5, tint


def test_text_on_a_colour_of_its_own_has_contrast() -> None:
    rules = re.findall(rf"([^{{}}]*)\{{[^{{}}]*background: ({COLOUR}); color: ({COLOUR}); \}}", style())
    assert len(rules) == 21 + 6 + 1  # cells, layers of a mix, further layers
    for name, under, text in rules:
        assert contrast(text, under) >= 4.5, name
