"""The photos of the bench are what they are said to be."""

from pathlib import Path

import pytest
from bench.cases import MEDIUM, SMALL, Photo
from bench.photos import draw_photo
from PIL import Image


@pytest.mark.parametrize("photo", [SMALL, MEDIUM], ids=lambda photo: photo.name)
def test_a_photo_has_its_size_in_pixels_and_within_two_hundredths_in_bytes(
    photo: Photo, tmp_path: Path
) -> None:
    draw_photo(photo, tmp_path)
    path = tmp_path / photo.file_name
    assert path.stat().st_size == pytest.approx(photo.size_bytes, rel=0.02)
    with Image.open(path) as drawn:
        assert drawn.size == (photo.width, photo.height)
