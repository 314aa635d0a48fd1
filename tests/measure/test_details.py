"""Details of failed images: the true cause, in words about the picture, whatever a library raised."""

import random

import pytest

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause, Depth
from retailpulse.domain.process_exit import how_it_ended
from retailpulse.measure import measure_body
from retailpulse.measure.decoder_texts import image_error_of
from tests.plain_words import names_in

from .damage import DAMAGES
from .pictures import FLAVOURS

ROUNDS = 25


@pytest.mark.parametrize("name", FLAVOURS)
def test_no_detail_of_a_damaged_file_names_a_part_of_a_program(name: str) -> None:
    for damage in DAMAGES:
        for number in range(ROUNDS):
            body = damage(FLAVOURS[name].body, random.Random(f"details {name} {damage.__name__} {number}"))
            try:
                measure_body(body, Depth.DECODE, 1_000_000)
            except ImageError as error:
                assert names_in(error.detail) == [], error.detail


SAID = {
    "cannot identify image file <_io.BytesIO object at 0x7fafd6cd47c0>": Cause.CORRUPT,
    "decoder error -2 when reading image file": Cause.CORRUPT,
    "Decompressed data too large for PngImagePlugin.MAX_TEXT_CHUNK": Cause.CORRUPT,
    "Failed to decode image: Missing or empty image item": Cause.CORRUPT,
    "Failed to decode image: No codec available": Cause.UNSUPPORTED_FORMAT,
    "Failed to decode image: Out of memory": Cause.TOO_MANY_PIXELS,
    "Decoder plugin generated an error: Unspecified: heif_error_Decoder_plugin_error": Cause.CORRUPT,
    "Error while loading plugin: Support for this compression format has not been built in: AV1": (
        Cause.UNSUPPORTED_FORMAT
    ),
    "Memory allocation error: Security limit exceeded: iinf box contains 65535 items, which exceeds the "
    "security limit of 1000 items.": Cause.CORRUPT,
    "Memory allocation error: Security limit exceeded: Allocating 9000000000 bytes exceeds the security "
    "limit of 4000000000 bytes": Cause.TOO_MANY_PIXELS,
    "Invalid input: Unspecified: Image size 90000x90000 exceeds the maximum image size 32768x32768": (
        Cause.TOO_MANY_PIXELS
    ),
    "Invalid input: No or invalid primary item": Cause.CORRUPT,
    "image file is truncated (12 bytes not processed)": Cause.TRUNCATED,
    "[Errno 24] EMFILE: too many open files: '/usr/lib/libtiff.so'": Cause.CORRUPT,
    "LIBTIFF: TIFFReadDirectory failed": Cause.CORRUPT,
}


@pytest.mark.parametrize(("text", "cause"), SAID.items())
def test_what_a_library_says_becomes_a_cause_and_none_of_its_words_a_detail(text: str, cause: Cause) -> None:
    for error in (OSError(text), ValueError(text), RuntimeError(text), KeyError(text)):
        told = image_error_of(error, "HEIC")
        assert told.cause is cause
        assert names_in(told.detail) == []
    assert image_error_of(EOFError(), "AVIF").cause is Cause.TRUNCATED


@pytest.mark.parametrize("code", [0, 1, 255, -6, -7, -9, -11, -31, -40, -64, -99])
def test_the_end_of_a_process_is_told_without_constants(code: int) -> None:
    said = how_it_ended(code)
    assert names_in(said) == []
    assert str(abs(code)) in said


def test_the_words_of_programs_are_seen() -> None:
    for text in SAID:
        if not text.startswith(("Invalid", "image file", "Failed", "Memory", "decoder error")):
            assert names_in(text), text
    assert "SIGSEGV" in names_in("was killed by SIGSEGV")
    assert names_in("unexpected RecursionError") != []
    assert names_in("the WebP ends inside the IDAT chunk") == []
