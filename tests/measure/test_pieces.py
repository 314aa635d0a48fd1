"""A body in pieces is measured exactly like the same body in one piece, and a JPEG is not put together."""

import hashlib
import random
import tracemalloc

import pytest

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Depth
from retailpulse.measure import DecoderPool, Digest, measure_body, measure_pieces
from retailpulse.schema import Measurement
from tests.measure.process_pool.test_pool import settings

from .damage import DAMAGES
from .pictures import FLAVOURS, LIMIT, Flavour, jpeg_segment, saved

ALL = pytest.mark.parametrize("flavour", FLAVOURS.values(), ids=FLAVOURS.keys())
Told = Measurement | str


def cut(body: bytes, piece_bytes: int) -> list[bytes]:
    return [body[at : at + piece_bytes] for at in range(0, len(body), piece_bytes)]


def by_pieces(pieces: list[bytes], max_pixels: int = LIMIT) -> Told:
    digest = Digest()
    for piece in pieces:
        digest.update(piece)
    try:
        return measure_pieces(pieces, digest.hexdigest(), max_pixels)
    except ImageError as error:
        return str(error)


def whole(body: bytes, max_pixels: int = LIMIT) -> Told:
    try:
        return measure_body(body, Depth.DOWNLOAD, max_pixels)
    except ImageError as error:
        return str(error)


@ALL
def test_every_flavour_measures_the_same_however_it_is_cut(flavour: Flavour) -> None:
    for piece_bytes in (1, 2, 7, 100, 1000, 16_384):
        assert by_pieces(cut(flavour.body, piece_bytes)) == whole(flavour.body)


@ALL
def test_damage_is_called_by_the_same_name_however_it_is_cut(flavour: Flavour) -> None:
    for seed, damage in enumerate(DAMAGES * 3):
        body = damage(flavour.body, random.Random(seed))
        for piece_bytes in (1, 50, 16_384):
            assert by_pieces(cut(body, piece_bytes)) == whole(body)


def test_nothing_and_empty_pieces_are_measured_like_an_empty_body() -> None:
    assert by_pieces([]) == by_pieces([b""]) == by_pieces([b"", b""]) == whole(b"")
    body = FLAVOURS["jpeg baseline"].body
    assert by_pieces([b"", body[:10], b"", body[10:-1], b"", body[-1:], b""]) == whole(body)


def test_our_limit_holds_for_pieces() -> None:
    for flavour in FLAVOURS.values():
        assert by_pieces(cut(flavour.body, 100), 1000) == whole(flavour.body, 1000)


def test_the_end_of_a_jpeg_is_found_across_every_border() -> None:
    body = FLAVOURS["jpeg baseline"].body
    for kept in (body, body[:-1], body[:-2], body + b"\xff", body + b"\xd9"):
        for at in range(len(body) - 5, len(kept) + 1):
            assert by_pieces([kept[:at], kept[at:]]) == whole(kept)


def test_the_end_of_a_thumbnail_across_a_border_does_not_end_the_picture() -> None:
    body = FLAVOURS["jpeg thumbnail"].body[:-2]
    border = body.index(b"\xff\xd9") + 1
    assert by_pieces([body[:border], body[border:]]) == whole(body)
    assert "truncated" in str(whole(body))


@pytest.mark.parametrize("note_bytes", [10_000, 65_000])
@pytest.mark.parametrize("notes", [1, 2, 20])
def test_a_jpeg_may_begin_with_any_number_of_notes(note_bytes: int, notes: int) -> None:
    body = saved("JPEG")
    body = body[:2] + jpeg_segment(0xFE, bytes(note_bytes)) * notes + body[2:]
    assert by_pieces(cut(body, 16_384)) == whole(body)
    assert by_pieces(cut(body[:-2], 16_384)) == whole(body[:-2])


def test_a_large_jpeg_is_not_put_together() -> None:
    body = saved("JPEG")
    pieces = [*cut(body[:-2] + bytes(10_000_000), 16_384), b"\xff\xd9"]
    tracemalloc.start()
    measure_pieces(pieces, hashlib.sha256().hexdigest(), LIMIT)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 100_000


@pytest.mark.parametrize("depth", list(Depth))
async def test_decoders_measure_pieces_like_the_whole(depth: Depth) -> None:
    decoders = DecoderPool(settings())
    for flavour in FLAVOURS.values():
        for piece_bytes in (50, 16_384):
            found = await decoders.measure(cut(flavour.body, piece_bytes), depth)
            assert found == measure_body(flavour.body, depth, LIMIT)
        damaged = flavour.body[: len(flavour.body) * 2 // 3]
        if depth is Depth.HEADER:
            continue
        with pytest.raises(ImageError) as expected:
            measure_body(damaged, depth, LIMIT)
        with pytest.raises(ImageError) as caught:
            await decoders.measure(cut(damaged, 100), depth)
        assert str(caught.value) == str(expected.value)
    await decoders.aclose()
