"""Kinds of BMP and TIFF beyond the common ones: decoded if anything here can, else refused by their name."""

import struct
from collections.abc import Callable

import pytest
from PIL import Image

from retailpulse.domain.images import Cause, Depth
from retailpulse.measure import measure_body
from retailpulse.measure.body import decode_body

from .pictures import HEIGHT, LIMIT, WIDTH, exif, picture, saved, tiff
from .whole import assert_whole, failure, grey

# BMP


def masked_bmp(
    masks: tuple[int, ...],
    bits: int,
    *,
    header_bytes: int = 40,
    compression: int = 3,
    is_top_down: bool = False,
) -> bytes:
    """A BMP whose colours lie behind any masks; they are part of a header that is long enough for them."""
    rows = [picture().crop((0, y, WIDTH, y + 1)).tobytes() for y in range(HEIGHT)]
    kind = "<H" if bits == 16 else "<I"
    pixels = b""
    for row in rows if is_top_down else rows[::-1]:
        line = b"".join(
            struct.pack(
                kind, sum(_placed(one, mask) for one, mask in zip(row[at : at + 3], masks, strict=False))
            )
            for at in range(0, len(row), 3)
        )
        pixels += line.ljust((len(line) + 3) // 4 * 4, b"\0")
    head = struct.pack(
        "<IiiHHIIiiII",
        header_bytes,
        WIDTH,
        -HEIGHT if is_top_down else HEIGHT,
        1,
        bits,
        compression,
        len(pixels),
        0,
        0,
        0,
        0,
    )
    head = (head + struct.pack(f"<{len(masks)}I", *masks)).ljust(header_bytes, b"\0")
    return b"BM" + struct.pack("<IHHI", 14 + len(head) + len(pixels), 0, 0, 14 + len(head)) + head + pixels


def _placed(value: int, mask: int) -> int:
    shift = (mask & -mask).bit_length() - 1
    most = mask >> shift
    return (value * most // 255) << shift


MASKS = {
    "565": ((0xF800, 0x7E0, 0x1F), 16),
    "555": ((0x7C00, 0x3E0, 0x1F), 16),
    "444": ((0xF00, 0xF0, 0xF), 16),
    "565 backwards": ((0x1F, 0x7E0, 0xF800), 16),
    "888": ((0xFF0000, 0xFF00, 0xFF), 32),
    "888 backwards": ((0xFF, 0xFF00, 0xFF0000), 32),
    "888 and alpha": ((0xFF, 0xFF00, 0xFF0000, 0xFF000000), 32),
    "888 in the middle": ((0xFF00000, 0xFF000, 0xFF0), 32),
    "10 bits each": ((0x3FF00000, 0xFFC00, 0x3FF), 32),
    "565 in 32": ((0xF800, 0x7E0, 0x1F), 32),
}


@pytest.mark.parametrize(("masks", "bits"), MASKS.values(), ids=MASKS.keys())
@pytest.mark.parametrize("header_bytes", [40, 56, 108, 124])
@pytest.mark.parametrize("is_top_down", [False, True])
def test_the_colours_of_a_bmp_may_lie_behind_any_masks(
    masks: tuple[int, ...], bits: int, header_bytes: int, is_top_down: bool
) -> None:
    compression = 6 if len(masks) == 4 and header_bytes == 40 else 3
    body = masked_bmp(
        masks, bits, header_bytes=header_bytes, compression=compression, is_top_down=is_top_down
    )
    assert_whole(body)
    lost = 8 if bits == 32 else 20 if masks[0] == 0xF00 else 10
    differences = [abs(a - b) for a, b in zip(grey(body), picture(mode="L").tobytes(), strict=True)]
    assert max(differences) <= lost
    assert failure(body[:-1]).cause is Cause.TRUNCATED


def test_masks_that_are_missing_are_those_of_plain_pixels() -> None:
    plain = masked_bmp((0x7C00, 0x3E0, 0x1F), 16)
    assert grey(plain.replace(struct.pack("<III", 0x7C00, 0x3E0, 0x1F), bytes(12))) == grey(plain)


def test_a_mask_with_a_gap_is_corrupt() -> None:
    body = masked_bmp((0xF800, 0x7E0, 0x1F), 16)
    broken = body.replace(struct.pack("<III", 0xF800, 0x7E0, 0x1F), struct.pack("<III", 0xF100, 0x7E0, 0x1F))
    assert failure(broken).cause is Cause.CORRUPT


@pytest.mark.parametrize(("bits", "compression"), [(0, 4), (0, 5), (2, 0), (64, 0), (1, 3), (8, 11), (24, 6)])
def test_a_kind_of_bmp_that_no_decoder_here_knows_is_unsupported(bits: int, compression: int) -> None:
    head = struct.pack("<IiiHHIIiiII", 40, 10, 10, 1, bits, compression, 900, 0, 0, 0, 0)
    body = b"BM" + struct.pack("<IHHI", 1000, 0, 0, 54) + head + bytes(900)
    assert measure_body(body, Depth.DOWNLOAD, LIMIT).width == 10
    error = failure(body)
    assert error.cause is Cause.UNSUPPORTED_FORMAT
    assert f"{bits} bits a pixel and compression {compression}" in error.detail


# TIFF


def tiff_of_parts(
    make: Callable[[Image.Image], bytes], compression: int, side: int, *, is_tiled: bool, lost: int = 0
) -> bytes:
    """A TIFF whose strips or tiles of so many pixels are files of another format."""
    whole = picture()
    corners = [(x, y) for y in range(0, HEIGHT, side) for x in range(0, WIDTH, side if is_tiled else WIDTH)]
    boxes = [
        (x, y, x + side, y + side) if is_tiled else (0, y, WIDTH, min(HEIGHT, y + side)) for x, y in corners
    ]
    parts = [make(whole.crop(box)) for box in boxes[: len(boxes) - lost]]
    tags: dict[int, list[int]] = {
        256: [WIDTH],
        257: [HEIGHT],
        258: [8, 8, 8],
        259: [compression],
        262: [2],
        277: [3],
    }
    tags |= {322: [side], 323: [side]} if is_tiled else {278: [side]}
    offsets = [8 + sum(map(len, parts[:number])) for number in range(len(parts))]
    tags |= dict(zip((324, 325) if is_tiled else (273, 279), (offsets, list(map(len, parts))), strict=True))
    data = b"".join(parts)
    directory, lists, after = b"", b"", 8 + len(data) + 2 + 12 * len(tags) + 4
    for tag, values in sorted(tags.items()):
        directory += struct.pack("<HHI", tag, 4, len(values))
        directory += struct.pack("<I", values[0] if len(values) == 1 else after + len(lists))
        lists += struct.pack(f"<{len(values)}I", *values) if len(values) > 1 else b""
    head = b"II*\0" + struct.pack("<I", 8 + len(data))
    return head + data + struct.pack("<H", len(tags)) + directory + bytes(4) + lists


EMBEDDED = {
    "WebP": (lambda part: saved("WEBP", part, lossless=True), 50001),
    "JPEG": (lambda part: saved("JPEG", part, quality=95), 34892),
}


@pytest.mark.parametrize(("make", "compression"), EMBEDDED.values(), ids=EMBEDDED.keys())
@pytest.mark.parametrize("side", [16, 48, 200])
@pytest.mark.parametrize("is_tiled", [False, True])
def test_a_tiff_may_hold_files_of_another_format(
    make: Callable[[Image.Image], bytes], compression: int, side: int, is_tiled: bool
) -> None:
    body = tiff_of_parts(make, compression, side, is_tiled=is_tiled)
    assert_whole(body)
    differences = [abs(a - b) for a, b in zip(grey(body), picture(mode="L").tobytes(), strict=True)]
    assert max(differences) <= 40
    assert sum(differences) / len(differences) < 3


def test_broken_parts_of_a_tiff_are_corrupt() -> None:
    def webp(part: Image.Image) -> bytes:
        return saved("WEBP", part, lossless=True)

    assert "lacks a part" in failure(tiff_of_parts(webp, 50001, 16, is_tiled=True, lost=1)).detail
    whole = tiff_of_parts(webp, 50001, 16, is_tiled=True)
    for broken, said in (
        (
            whole.replace(struct.pack("<HHII", 322, 4, 1, 16), struct.pack("<HHII", 322, 4, 1, 0)),
            "without a size",
        ),
        (
            whole.replace(struct.pack("<HHII", 322, 4, 1, 16), struct.pack("<HHII", 322, 4, 1, 32)),
            "another size",
        ),
        (whole.replace(b"VP8L", b"VP8Z"), "cannot be decoded"),
    ):
        assert broken != whole
        error = failure(broken)
        assert error.cause is Cause.CORRUPT
        assert said in error.detail


@pytest.mark.parametrize(
    ("tag", "was", "value"), [(259, 1, 34712), (259, 1, 34676), (259, 1, 52546), (262, 1, 9), (258, 8, 14)]
)
def test_a_kind_of_tiff_that_no_decoder_here_knows_is_unsupported(tag: int, was: int, value: int) -> None:
    body = tiff()
    other = body.replace(struct.pack("<HHII", tag, 4, 1, was), struct.pack("<HHII", tag, 4, 1, value))
    assert other != body
    assert measure_body(other, Depth.DOWNLOAD, LIMIT).width == WIDTH
    error = failure(other)
    assert error.cause is Cause.UNSUPPORTED_FORMAT
    assert str(value) in error.detail


@pytest.mark.parametrize(
    "compression",
    [
        "jpeg",
        "lzma",
        "zstd",
        "packbits",
        "tiff_adobe_deflate",
        "tiff_deflate",
        "tiff_lzw",
        "group3",
        "group4",
    ],
)
def test_a_tiff_may_be_compressed_in_many_ways(compression: str) -> None:
    mode = "1" if compression.startswith("group") else "RGB"
    assert_whole(saved("TIFF", picture(mode=mode), compression=compression))


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_turned_tiff_is_seen_at_its_own_scale(orientation: int) -> None:
    body = saved("TIFF", picture(400, 80), exif=exif(orientation))
    assert sorted(decode_body(body, LIMIT)[1].grey(8).shape) == [10, 50]
