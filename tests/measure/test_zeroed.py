"""Zeroed parts of files: never measured without a word, and no whole file is suspect for zeros of its own."""

import struct
from collections.abc import Callable

import pytest
from PIL import Image, ImageDraw

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause, Depth
from retailpulse.measure import DecoderPool, measure_body
from retailpulse.measure.formats import tiff
from retailpulse.measure.formats.heif_items import in_bounds, parts_of_items
from retailpulse.measure.formats.hevc_units import find_damage
from retailpulse.measure.formats.image_format import Size
from retailpulse.measure.formats.work import Work
from retailpulse.measure.formats.zeros import has_zeros
from tests.measure.process_pool.test_pool import settings

from .damaged_files import heif_rebuilt, holed, textured, zeroed_from
from .pictures import LIMIT, boxed, heic, saved

Make = Callable[[], bytes]
SIZE = Size(480, 360, False)


def animated() -> bytes:
    return saved("WEBP", Image.new("RGB", (480, 360)), save_all=True, append_images=[textured()], quality=80)


SILENT: dict[str, Make] = {
    "heic": lambda: heic(textured(), quality=80),
    "heic grid": lambda: heic(textured(), quality=80, tile_size=128),
    "heic of three extents": lambda: heif_rebuilt(heic(textured(), quality=80), extents=3),
    "heic in the meta box": lambda: heif_rebuilt(heic(textured(), quality=80), in_idat=True),
    "heic with alpha": lambda: heic(textured(mode="RGBA"), quality=80),
    "avif": lambda: saved("AVIF", textured(), quality=80, speed=10),
    "avif of three extents": lambda: heif_rebuilt(saved("AVIF", textured(), speed=10), extents=3),
    "avif in the meta box": lambda: heif_rebuilt(saved("AVIF", textured(), speed=10), in_idat=True),
    "avif with alpha": lambda: saved("AVIF", textured(mode="RGBA"), speed=10),
    "webp": lambda: saved("WEBP", textured(), quality=80),
    "webp animated": animated,
    "webp lossless": lambda: saved("WEBP", textured(), lossless=True, method=0, quality=0),
}
"""Files of which decoders make a picture whatever is zeroed."""
LOUD: dict[str, Make] = {
    "jpeg": lambda: saved("JPEG", textured(), quality=80),
    "jpeg with its own tables": lambda: saved("JPEG", textured(), quality=95, optimize=True),
    "jpeg progressive": lambda: saved("JPEG", textured(), quality=80, progressive=True),
    "png": lambda: saved("PNG", textured()),
    "gif": lambda: saved("GIF", textured()),
    "tiff deflate": lambda: saved("TIFF", textured(), compression="tiff_adobe_deflate"),
    "tiff lzw": lambda: saved("TIFF", textured(), compression="tiff_lzw"),
}
"""Files of which decoders notice at least some zeroed parts."""


def judged(body: bytes) -> str | None:
    try:
        found = measure_body(body, Depth.DECODE, LIMIT)
    except ImageError as error:
        assert error.cause in {Cause.CORRUPT, Cause.TRUNCATED}
        return error.cause
    assert all(analysis.reason is None for analysis in found.analyses)
    return found.suspect


@pytest.mark.parametrize("make", [*SILENT.values(), *LOUD.values()], ids=[*SILENT, *LOUD])
def test_a_file_with_a_zeroed_part_is_never_measured_without_a_word(make: Make) -> None:
    body = make()
    assert judged(body) is None
    for tenth in range(2, 9):
        assert judged(holed(body, len(body) * tenth // 10)) is not None
        assert judged(zeroed_from(body, len(body) * tenth // 10)) is not None
    assert judged(zeroed_from(body, len(body) - 4096)) is not None


async def test_decoders_that_are_confined_find_the_same() -> None:
    decoders = DecoderPool(settings())
    try:
        for name, make in SILENT.items():
            body = make()
            assert (await decoders.measure(body, Depth.DECODE)).suspect is None
            damaged = holed(body, len(body) // 2)
            assert (await decoders.measure(damaged, Depth.DECODE)).suspect == judged(damaged), name
    finally:
        await decoders.aclose()


def test_a_short_hole_is_enough_in_hevc() -> None:
    body = heic(textured(), quality=80)
    assert judged(holed(body, len(body) * 2 // 3, 6)) == "the HEVC data have zeros where none can be"


def test_hevc_units_that_do_not_fit_their_item_are_damage() -> None:
    body = heic(textured(), quality=80)
    last = body.rindex(b"mdat") + 4
    (told,) = struct.unpack_from(">I", body, last)
    for other in (0, len(body)):
        assert other != told
        lying = body[:last] + struct.pack(">I", other) + body[last + 4 :]
        assert find_damage(lying, SIZE, Work()) == "a unit of the HEVC data has a length that cannot be"
    assert find_damage(body, SIZE, Work()) is None


def test_zeros_behind_the_last_hevc_unit_are_padding_if_they_are_few() -> None:
    body = heic(textured(), quality=80)
    for padding in (1, 3, 4, 16):
        assert find_damage(heif_rebuilt(body, padding=padding), SIZE, Work()) is None
    assert find_damage(heif_rebuilt(body, padding=100), SIZE, Work()) is not None


def packshot(width: int = 4000, height: int = 3000, ground: str = "white") -> Image.Image:
    """A product on a flat ground, as shops show it: what coders make of the ground has zeros in a row."""
    picture = Image.new("RGB", (width, height), ground)
    picture.paste(textured(), (width // 3, height // 3))
    ImageDraw.Draw(picture).rectangle((width // 2, height // 2, width * 2 // 3, height * 2 // 3), fill="red")
    return picture


def small_packshot() -> Image.Image:
    return packshot(1600, 1200)


FLAT: dict[str, tuple[Make, int]] = {
    "webp": (lambda: saved("WEBP", packshot(), quality=80), 300),
    "webp lossless without references": (
        lambda: saved("WEBP", small_packshot(), lossless=True, quality=0, method=0),
        10_000,
    ),
    "jpeg with its own tables": (lambda: saved("JPEG", packshot(), quality=50, optimize=True), 1000),
    "jpeg progressive": (lambda: saved("JPEG", packshot(), quality=50, progressive=True), 1000),
    "tiff deflate": (lambda: saved("TIFF", packshot(), compression="tiff_adobe_deflate"), 10),
    "bmp": (lambda: saved("BMP", packshot(1600, 1200, "black")), 100_000),
    "tiff raw": (lambda: saved("TIFF", packshot(1600, 1200, "black")), 100_000),
    "avif": (lambda: saved("AVIF", small_packshot(), speed=10), 2),
    "heic": (lambda: heic(small_packshot(), quality=50), 2),
}
"""Whole files of flat pictures, and how many zeros in a row each has at least."""


@pytest.mark.parametrize(("make", "zeros"), FLAT.values(), ids=FLAT)
def test_zeros_of_a_flat_picture_are_no_damage(make: Make, zeros: int) -> None:
    body = make()
    assert bytes(zeros) in body[1000:]
    assert judged(body) is None


@pytest.mark.parametrize("image_format", ["BMP", "TIFF"])
def test_zeroed_pages_of_raw_pixels_are_suspect(image_format: str) -> None:
    body = saved(image_format, textured())
    assert "page" in (judged(holed(body, 5 * 4096)) or "")
    assert "page" in (judged(zeroed_from(body, 5 * 4096)) or "")
    assert judged(holed(body, 5 * 4096 + 1)) is None  # a black line might be as long


def test_a_black_bar_that_begins_on_a_page_but_ends_elsewhere_is_no_zeroed_page() -> None:
    body = saved("BMP", textured(1362, 40))
    begin = 5 * 4096
    assert "page" in (judged(holed(body, begin, 8192)) or "")
    assert judged(holed(body, begin, 8200)) is None
    assert judged(holed(body, begin - 8, 8200)) is None


def tiff_of(lists: dict[int, list[int]], data: bytes) -> bytes:
    """A grey LZW TIFF of any lists of 32-bit numbers; `data` lie at 8."""
    tags = {256: [1000], 257: [1000], 258: [8], 259: [5], 277: [1], **lists}
    first = 8 + len(data)
    behind = first + 2 + 12 * len(tags) + 4
    entries, values = b"", b""
    for tag, numbers in sorted(tags.items()):
        place = numbers[0] if len(numbers) == 1 else behind + len(values)
        entries += struct.pack("<HHII", tag, 4, len(numbers), place)
        values += struct.pack(f"<{len(numbers)}I", *numbers) if len(numbers) > 1 else b""
    directory = struct.pack("<H", len(tags)) + entries + bytes(4) + values
    return b"II*\0" + struct.pack("<I", first) + data + directory


def test_strips_of_a_tiff_that_share_their_data_are_not_looked_through_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_through = []

    def has_zeros(_body: bytes, start: int, end: int, _least: int) -> bool:
        looked_through.append(end - start)
        return False

    data = b"\x80\0\x20" * 10_000
    body = tiff_of({273: [8] * 1000, 279: [len(data)] * 1000, 278: [1]}, data)
    monkeypatch.setattr(tiff, "has_zeros", has_zeros)
    assert tiff.find_damage(body, Size(1000, 1000, False), Work()) is None
    assert looked_through == [len(data)]


def test_tiles_of_a_tiff_of_impossible_sizes_take_no_memory() -> None:
    vast = {322: [2**32 - 1], 323: [2**32 - 1], 324: [8], 325: [9000]}
    assert tiff.find_damage(tiff_of(vast, bytes(9000)), Size(1000, 1000, False), Work()) is None
    likely = {**vast, 322: [1000], 323: [1000]}
    found = tiff.find_damage(tiff_of(likely, bytes(9000)), Size(1000, 1000, False), Work())
    assert found == "the packed data of the TIFF have a run of zeros that no picture makes"


def test_items_that_share_their_data_are_not_looked_through_without_end() -> None:
    # 3,000 items, each with all of the file as its data: together they are gigabytes.
    body = heic(textured(), quality=80)
    places = b"".join(struct.pack(">HHHII", item, 0, 1, 0, 0) for item in range(1, 3000))
    infe = b"".join(
        boxed(b"infe", struct.pack(">IHH4sB", 2 << 24, item, 0, b"hvc1", 0)) for item in range(1, 3000)
    )
    iinf = boxed(b"iinf", struct.pack(">IH", 0, 2999) + infe)
    iloc = boxed(b"iloc", struct.pack(">IBBH", 0, 0x44, 0, 2999) + places)
    meta = body.index(b"meta") - 4
    inner = body[meta + 12 : meta + int.from_bytes(body[meta : meta + 4])]
    inner = inner.replace(b"iloc", b"free").replace(b"iinf", b"free")
    shared = body[:meta] + boxed(b"meta", bytes(4) + iinf + iloc + inner) + bytes(1_000_000)
    items = parts_of_items(shared, b"hvc1", Work())
    assert len(items) == 2999
    assert sum(part.stop - part.start for parts in items.values() for part in parts) > 1_000_000_000
    assert len(list(in_bounds(shared, items))) == 2


@pytest.mark.parametrize("least", [1, 2, 3, 4, 5, 7, 8, 15, 16, 33, 128])
def test_a_run_of_zeros_is_found_wherever_it_begins(least: int) -> None:
    length = 3 * least + 20
    for start in range(length - least):
        run = b"\x01" * start + bytes(least) + b"\x01" * (length - start - least)
        assert has_zeros(run, 0, length, least)
        assert has_zeros(run, start, start + least, least)
        assert not has_zeros(run, start + 1, length, least)
        assert not has_zeros(run, 0, length, least + 1)
