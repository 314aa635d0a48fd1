"""How far texts and shapes of the style sheet stand out from what they are on, light and dark."""

import math
import re
from pathlib import Path

import pytest

STYLE = (Path(__file__).parents[2] / "src/retailpulse/dashboard/static/dashboard.css").read_text()
TEXTS = ("text", "muted", "accent", "ok", "bad", "warn", "reuse", "place")
FILLS = ("ok-fill", "bad-fill", "warn-fill", "reuse-fill", "place-fill")
each_theme = pytest.mark.parametrize("theme", ["light", "dark"])


def colours(theme: str) -> dict[str, str]:
    """Every colour of the tokens, by its name."""
    found = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", STYLE)
    return {name: values[theme == "dark"] for name, *values in found}


def channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def luminance(colour: str) -> float:
    """The relative luminance of a colour by WCAG 2.2."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels(colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours by WCAG 2.2, 1 to 21."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def lightness_contrast(text: str, ground: str) -> float:
    """How readable a text is on its ground by APCA 0.1.9, Lc 0 to 108; its darkest tones are lifted."""
    weights = (0.2126729, 0.7151522, 0.0721750)
    one, other = (
        sum(weight * math.pow(part, 2.4) for weight, part in zip(weights, channels(colour), strict=True))
        for colour in (text, ground)
    )
    one, other = (light + math.pow(max(0.0, 0.022 - light), 1.414) for light in (one, other))
    if other > one:
        return 100 * (1.14 * (math.pow(other, 0.56) - math.pow(one, 0.57)) - 0.027)
    return 100 * (1.14 * (math.pow(one, 0.62) - math.pow(other, 0.65)) - 0.027)


def grounds(name: str, theme: str) -> list[str]:
    """What texts of this name stand on."""
    known = colours(theme)
    return [known[ground] for ground in ("bg", "surface", "sunken", f"{name}-soft") if ground in known]


def test_contrast_is_computed_as_its_definitions_say() -> None:
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48
    assert round(lightness_contrast("#000000", "#ffffff"), 1) == 106.0
    assert round(lightness_contrast("#ffffff", "#000000"), 1) == 107.9
    assert round(lightness_contrast("#888888", "#ffffff"), 1) == 63.1


@each_theme
@pytest.mark.parametrize("name", TEXTS)
def test_texts_stand_out_from_what_they_are_on(name: str, theme: str) -> None:
    text = colours(theme)[name]
    least = {"light": 70, "dark": 59}[theme]
    for ground in grounds(name, theme):
        assert round(contrast(text, ground), 1) >= 5.8
        assert round(lightness_contrast(text, ground)) >= least


@each_theme
@pytest.mark.parametrize(("text", "ground"), [("on-accent", "accent"), ("bg", "text")])
def test_texts_on_a_full_colour_stand_out(text: str, ground: str, theme: str) -> None:
    assert contrast(colours(theme)[text], colours(theme)[ground]) >= 4.5


@each_theme
def test_shapes_stand_out_from_what_they_are_on(theme: str) -> None:
    known = colours(theme)
    for name in ("edge", "accent", *FILLS):
        assert contrast(known[name], known["surface"]) >= 3.6
    for name in FILLS:
        assert contrast(known[name], known["track"]) >= 3.0


def test_components_take_their_colours_from_the_tokens() -> None:
    tokens, _, components = STYLE.partition("\n}\n")
    assert len(re.findall(r"light-dark", tokens)) > 25
    assert set(re.findall(r"#[0-9a-f]{3,8}\b", components)) <= {"#2d43c4", "#fff", "#hatch"}
