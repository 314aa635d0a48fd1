"""The registry of formats: each is described once, and what loops over them knows none by name."""

import re
from pathlib import Path

import pytest

from retailpulse.domain.images import Format
from retailpulse.measure import Work, body, formats
from retailpulse.measure.formats.image_format import ImageFormat, Size
from retailpulse.measure.formats.sniff import sniff

from .pictures import FLAVOURS, PLAIN, Flavour

ROOM = Path(body.__file__).parent
OUTSIDE = [path for path in sorted(ROOM.rglob("*.py")) if path.parent.name != "formats"]


def test_each_word_for_a_format_has_one_description_and_each_description_a_word() -> None:
    assert [image_format.name for image_format in formats.ALL] == list(Format)
    assert list(formats.BY_NAME) == list(Format)
    assert {FLAVOURS[name].format for name in PLAIN} == set(Format)


@pytest.mark.parametrize("path", OUTSIDE, ids=[str(path.relative_to(ROOM)) for path in OUTSIDE])
def test_no_module_beside_the_descriptions_knows_a_format_by_name(path: Path) -> None:
    names = "|".join(Format)
    assert re.findall(rf"\bFormat\.[A-Z]+|\bformats(?:\.| import .*)(?:{names})\b", path.read_text()) == []


@pytest.mark.parametrize("flavour", FLAVOURS.values(), ids=FLAVOURS.keys())
def test_a_file_is_claimed_by_one_description_alone(flavour: Flavour) -> None:
    data = flavour.body
    claiming = [
        image_format.name
        for image_format in formats.ALL
        if data.startswith(image_format.starts, image_format.starts_at) and image_format.is_it(data, Work())
    ]
    assert claiming == [flavour.format]
    assert sniff(data, Work()) is formats.BY_NAME[flavour.format]


def test_the_magic_bytes_alone_tell_nothing_where_a_file_is_too_short() -> None:
    for image_format in formats.ALL:
        least = image_format.least_bytes
        assert sniff(FLAVOURS[PLAIN[list(Format).index(image_format.name)]].body[: least - 1], Work()) is None


@pytest.mark.parametrize("image_format", formats.ALL, ids=lambda one: one.name)
def test_what_a_format_needs_can_be_loaded(image_format: ImageFormat[Size]) -> None:
    image_format.load()
