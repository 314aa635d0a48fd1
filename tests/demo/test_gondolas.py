"""Photos that are put together from tiles: real JPEGs, no two of them alike, and served by their recipes."""

import io
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import msgspec
import pytest
from PIL import Image, ImageChops, ImageStat
from PIL.ExifTags import IFD, Base

from retailpulse.demo.exif import Capture
from retailpulse.demo.gondolas import GONDOLAS, Gondola, Stock, tile_grid
from retailpulse.demo.recipes import Kitchen, Recipe, write_recipes
from retailpulse.demo.tiles import UNIT
from tests.demo.conftest import CAPTURE, COOLER

COPY_BITS = 60


def composed(folder: Path, number: int) -> Image.Image:
    picture = Image.open(io.BytesIO(Stock(folder).photo(COOLER, number, CAPTURE)))
    picture.load()
    return picture


def brighter_to_the_right(picture: Image.Image) -> list[bool]:
    """The 256 bits by which copies are told: 16 rows of 16."""
    small = picture.convert("L").resize((17, 16), Image.Resampling.BOX)
    return [
        small.getpixel((x + 1, y)) > small.getpixel((x, y))  # type: ignore[operator]
        for y in range(16)
        for x in range(16)
    ]


def test_a_photo_is_a_jpeg_of_the_right_size_that_says_when_it_was_taken(album: Path) -> None:
    picture = composed(album, 3)
    assert (picture.format, picture.size) == ("JPEG", (COOLER.width, COOLER.height))
    assert picture.getexif().get_ifd(IFD.Exif)[Base.DateTimeOriginal] == "2026:11:20 10:00:00"


def test_every_place_shows_the_tile_of_the_grid(album: Path) -> None:
    number, encoded = 7, (album / f"{COOLER.name}.tiles").read_bytes()
    tiles = [Image.open(io.BytesIO(jpeg)) for jpeg in msgspec.msgpack.decode(encoded, type=list[bytes])]
    picture, grid = composed(album, number), tile_grid(COOLER, number)
    left = number * 5 % COOLER.across * COOLER.interval * UNIT
    top = number * 17 % COOLER.down * UNIT
    for row, column in ((0, 0), (1, 2), (2, 1)):
        tile = tiles[grid[row][column]]
        x, y = column * tile.width - left, row * tile.height - top
        seen = (
            max(x, 0),
            max(y, 0),
            min(x + tile.width, picture.width),
            min(y + tile.height, picture.height),
        )
        wanted = tile.crop((seen[0] - x, seen[1] - y, seen[2] - x, seen[3] - y))
        assert ImageStat.Stat(ImageChops.difference(picture.crop(seen), wanted)).mean[0] < 0.5


@pytest.mark.parametrize("gondola", GONDOLAS, ids=lambda gondola: gondola.name)
def test_two_photos_show_the_same_tile_at_the_same_place_twice_at_most(gondola: Gondola) -> None:
    grids = [
        [tile for row in tile_grid(gondola, number) for tile in row]
        for number in (*range(60), *range(1340, 1400))
    ]
    assert max(sum(map(int.__eq__, *pair)) for pair in combinations(grids, 2)) <= 2
    assert -(-gondola.width // UNIT) % gondola.interval == 0


def test_no_two_photos_are_taken_for_copies_of_each_other(album: Path) -> None:
    prints = [brighter_to_the_right(composed(album, number)) for number in range(0, 400, 20)]
    nearest = min(sum(map(bool.__ne__, *pair)) for pair in combinations(prints, 2))
    assert nearest > COPY_BITS


def test_what_has_no_recipe_is_not_made(album: Path, tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path)
    assert kitchen.photo("cooler-1.jpg") is None
    capture = Capture(taken_at=datetime(2026, 11, 20, 10, tzinfo=UTC), place=(1.5, 2.5))
    write_recipes({"cooler-1.jpg": Recipe(gondola="cooler", number=0, capture=capture)}, tmp_path)
    (tmp_path / "cooler.tiles").symlink_to(album / "cooler.tiles")
    assert kitchen.photo("cooler-1.jpg") == Stock(album).photo(COOLER, 0, capture)
    assert kitchen.photo("cooler-2.jpg") is None
