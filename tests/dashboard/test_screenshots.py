"""The pictures of docs/screenshots: those that `make screenshots` takes, small, shown by the documents."""

import re

import pytest
from PIL import Image

from tests.dashboard.screenshots import FOLDER, MOST_BYTES, SHOTS, Shot

README = (FOLDER.parents[1] / "README.md").read_text()
DOCUMENT = (FOLDER.parent / "dashboard.md").read_text()
SHOWN = re.compile(r"!\[[^\]]{10,}\]\((?:docs/)?screenshots/([\w-]+)\.webp\)")


def test_every_picture_is_one_that_is_taken_and_shown() -> None:
    names = sorted(shot.name for shot in SHOTS)
    assert sorted(file.name for file in FOLDER.iterdir()) == [f"{name}.webp" for name in names]
    assert sorted({*SHOWN.findall(README), *SHOWN.findall(DOCUMENT)}) == names


def test_the_first_thing_in_the_readme_is_a_picture() -> None:
    assert README.splitlines()[2].startswith("![")


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.name)
def test_a_picture_is_small(shot: Shot) -> None:
    file = FOLDER / f"{shot.name}.webp"
    assert file.stat().st_size < MOST_BYTES
    with Image.open(file) as picture:
        assert (picture.format, picture.size) == ("WEBP", shot.size)
