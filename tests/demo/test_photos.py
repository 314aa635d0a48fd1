"""The drawn photos are what they claim to be, for readers that know nothing of how they were made."""

import io
from dataclasses import replace
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image, ImageChops, ImageOps, ImageStat
from PIL.ExifTags import GPS, IFD, Base

from retailpulse.demo.album import ALBUM, ORIGINALS, Photo
from retailpulse.demo.photos import draw_photo, encode, sensor_noise
from retailpulse.demo.scenes import shelf
from retailpulse.domain.images import Format
from tests.demo.conftest import CAPTURE, DRAWN

TURNED = next(photo for photo in DRAWN if photo.orientation == 6)


def opened(folder: Path, photo: Photo) -> Image.Image:
    if photo.format is Format.HEIC:
        return pillow_heif.open_heif(folder / photo.name).to_pillow()
    picture = Image.open(folder / photo.name)
    assert picture.format == {"jpeg": "JPEG", "webp": "WEBP", "avif": "AVIF"}[photo.format]
    return picture


@pytest.mark.parametrize("photo", DRAWN, ids=lambda photo: photo.name)
def test_a_photo_has_the_format_and_the_stored_size_that_the_album_says(album: Path, photo: Photo) -> None:
    with opened(album, photo) as picture:
        picture.load()
        assert picture.size == (photo.width, photo.height)


@pytest.mark.parametrize("photo", DRAWN, ids=lambda photo: photo.name)
def test_a_photo_shows_something(album: Path, photo: Photo) -> None:
    with opened(album, photo) as picture:
        spread = ImageStat.Stat(picture.convert("L").reduce(8)).stddev[0]
    assert spread > 25, "a picture of shelves has light and dark in it"


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_viewer_that_obeys_the_orientation_shows_the_photo_as_the_album_says(
    album: Path, orientation: int
) -> None:
    photo = next(photo for photo in DRAWN if photo.orientation == orientation)
    with Image.open(album / photo.name) as picture:
        assert picture.getexif()[Base.Orientation] == orientation
        assert ImageOps.exif_transpose(picture).size == photo.displayed


def test_a_turned_photo_shows_what_it_shows_when_it_is_not(album: Path, tmp_path: Path) -> None:
    width, height = TURNED.displayed
    draw_photo(replace(TURNED, orientation=1, width=width, height=height), tmp_path, sensor_noise())
    with Image.open(album / TURNED.name) as turned, Image.open(tmp_path / TURNED.name) as straight:
        shown = ImageOps.exif_transpose(turned).convert("L").resize((30, 40))
        lying = turned.convert("L").resize((30, 40))
        wanted = straight.convert("L").resize((30, 40))
    difference = ImageStat.Stat(ImageChops.difference(shown, wanted)).mean[0]
    assert difference < 4 < ImageStat.Stat(ImageChops.difference(lying, wanted)).mean[0]


def test_a_jpeg_names_its_maker_its_time_and_its_place_and_carries_a_thumbnail_of_itself(album: Path) -> None:
    data = (album / TURNED.name).read_bytes()
    with Image.open(io.BytesIO(data)) as picture:
        exif = picture.getexif()
        thumbnail = exif.get_ifd(IFD.IFD1)
        assert exif[Base.Make] == "Retail Pulse Demo"
        assert exif.get_ifd(IFD.Exif)[Base.DateTimeOriginal] == "2026:11:20 10:00:00"
        assert exif.get_ifd(IFD.Exif)[Base.OffsetTimeOriginal] == "+05:30"
        assert exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitude] == (12, 58, 12)
        assert exif.get_ifd(IFD.GPSInfo)[GPS.GPSLongitudeRef] == "W"
        assert exif.get_ifd(IFD.Exif)[Base.ExifImageWidth] == TURNED.width
        small = picture.convert("L").resize((32, 24))
    start = data.index(b"II*\0") + thumbnail[Base.JpegIFOffset]
    with Image.open(io.BytesIO(data[start : start + thumbnail[Base.JpegIFByteCount]])) as embedded:
        assert embedded.size == (320, 240)
        difference = ImageChops.difference(embedded.convert("L").resize((32, 24)), small)
    assert ImageStat.Stat(difference).mean[0] < 8


def test_the_embedded_thumbnail_comes_before_the_size_of_the_photo_as_in_a_phones_file(album: Path) -> None:
    data = (album / TURNED.name).read_bytes()
    assert data.index(b"\xff\xd8\xff", 2) < data.rindex(b"\xff\xc0")


def test_a_twelve_megapixel_photo_has_the_bytes_of_a_real_one(album: Path) -> None:
    assert 2_000_000 < (album / "aisle-01.jpg").stat().st_size < 6_000_000


def test_a_png_is_written_too() -> None:
    photo = Photo(name="small.png", format=Format.PNG, width=40, height=30, scene=shelf, seed=1)
    with Image.open(io.BytesIO(encode(photo, Image.new("RGB", (40, 30), "teal")))) as picture:
        assert (picture.format, picture.size) == ("PNG", (40, 30))


def test_the_album_has_every_format_of_phones_and_no_name_twice() -> None:
    photos = [*ALBUM, *ORIGINALS]
    assert {photo.format for photo in photos} == {
        Format.JPEG, Format.PNG, Format.WEBP, Format.HEIC, Format.AVIF,
    }  # fmt: skip
    assert len({photo.name for photo in photos}) == len(photos)


def test_no_two_good_photos_are_of_the_same_scene() -> None:
    scenes = [(photo.scene, photo.seed) for photo in (*ALBUM, *ORIGINALS)]
    assert len(set(scenes)) == len(scenes)


def test_a_photo_that_went_through_a_messenger_has_no_exif_data() -> None:
    photo = replace(TURNED, capture=None, width=40, height=30)
    with Image.open(io.BytesIO(encode(photo, Image.new("RGB", (40, 30), "teal")))) as picture:
        assert not picture.getexif()
    assert b"Exif" in encode(replace(photo, capture=CAPTURE), Image.new("RGB", (40, 30), "teal"))
