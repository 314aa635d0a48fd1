"""Analyzers in real, confined decoders: their facts come back, and one that fails costs its own alone."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from retailpulse.config.settings import MeasureSettings
from retailpulse.domain.analysis import Analysis
from retailpulse.domain.errors import ConfigError
from retailpulse.domain.images import Cause, Depth
from retailpulse.measure import DecoderPool, measure_body
from retailpulse.schema import Measurement
from tests.measure.pictures import FLAVOURS, HEIGHT, LIMIT, WIDTH
from tests.measure.process_pool.analyzers import ALL, OBEY, install, noted
from tests.measure.process_pool.test_pool import failure, replaced, settings

OTHERS = [one.name for one in ALL if one is not OBEY]
FAILURES = {
    "raise": "it raised ValueError: the note says so",
    "die": "its process was killed by signal 11 (segmentation fault)",
    "leave": "its process ended with code 1",
    "loop": "it took too long",
    "loop in C": "it took too long",
    "swell": "it raised MemoryError:",
    "talk": "its facts are longer than 400 bytes",
    "no number": "it raised ValidationError: Expected `float` >= -1e+300 - at `$[...]`",
    "other type": "its facts are not of its type",
}


@pytest.fixture
async def decoders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[DecoderPool]:
    install(monkeypatch, tmp_path)
    made = DecoderPool(msgspec.structs.replace(settings(timeout_seconds=600), analyzer_seconds=0.3))
    yield made
    await made.aclose()


def by_name(measurement: Measurement) -> dict[str, Analysis]:
    return {analysis.analyzer: analysis for analysis in measurement.analyses}


async def test_pixels_and_exif_of_every_flavour_reach_the_analyzers(decoders: DecoderPool) -> None:
    for flavour in FLAVOURS.values():
        measurement = await decoders.measure(flavour.body, Depth.DECODE)
        assert_analyzed(measurement)
        assert measurement == measure_body(flavour.body, Depth.DECODE, LIMIT)


def assert_analyzed(measurement: Measurement) -> None:
    assert [(one.analyzer, one.version) for one in measurement.analyses] == [
        (one.name, one.version) for one in ALL
    ]
    assert {one.reason for one in measurement.analyses} == {None}
    facts = by_name(measurement)["brightness"].facts
    assert facts is not None
    assert (facts["rows"], facts["columns"], facts["full_columns"]) == (9, 12, WIDTH)
    assert isinstance(facts["mean"], float)


async def test_the_exif_of_a_photo_is_what_an_analyzer_gets(decoders: DecoderPool) -> None:
    measurement = await decoders.measure(noted("hello"), Depth.DECODE)
    assert by_name(measurement)["obey"].facts == {"note": "hello"}


@pytest.mark.parametrize(("note", "reason"), FAILURES.items(), ids=FAILURES.keys())
async def test_an_analyzer_that_fails_costs_its_own_facts_alone(
    decoders: DecoderPool, note: str, reason: str
) -> None:
    whole = by_name(await decoders.measure(noted("well"), Depth.DECODE))
    measurement = await decoders.measure(noted(note), Depth.DECODE)
    assert (measurement.width, measurement.height) == (WIDTH, HEIGHT)
    assert measurement.suspect is None
    found = by_name(measurement)
    assert found["obey"] == Analysis(analyzer="obey", version=7, reason=reason)
    assert [found[name] for name in OTHERS] == [whole[name] for name in OTHERS]
    assert by_name(await decoders.measure(noted("well"), Depth.DECODE)) == whole


async def test_photos_beside_one_whose_analyzer_crashes_lose_nothing(
    decoders: DecoderPool, caplog: pytest.LogCaptureFixture
) -> None:
    notes = ["well", "die", "well", "loop", "well", "leave", *["well"] * 60]
    with caplog.at_level(logging.WARNING):
        found = await asyncio.gather(
            *(decoders.measure(noted(note, number), Depth.DECODE) for number, note in enumerate(notes))
        )
    said = [by_name(one)["obey"] for one in found]
    assert [one.facts == {"note": "well"} for one in said] == [note == "well" for note in notes]
    assert [one.reason for one in said if one.facts is None] == [
        FAILURES[note] for note in notes if note != "well"
    ]
    assert all(by_name(one)[name].facts is not None for one in found for name in OTHERS)
    lines = [one.message for one in caplog.records if "is left out" in one.message]
    assert sorted(lines) == sorted(
        f"the analyzer obey is left out for a picture: {FAILURES[note]}" for note in ("die", "loop", "leave")
    )


async def test_what_an_analyzer_prints_is_no_finding_about_the_next_photo(decoders: DecoderPool) -> None:
    for note in ("print", "well"):
        assert (await decoders.measure(noted(note), Depth.DECODE)).suspect is None


async def test_the_setting_says_which_analyzers_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, tmp_path)
    for setting, names in (("", []), (" brightness,obey ", ["obey", "brightness"]), ("damage", ["damage"])):
        decoders = DecoderPool(msgspec.structs.replace(settings(), analyzers=setting))
        measurement = await decoders.measure(noted("well"), Depth.DECODE)
        assert [one.analyzer for one in measurement.analyses] == names
        await decoders.aclose()


async def test_an_analyzer_that_there_is_not_is_refused_before_anything_starts() -> None:
    with pytest.raises(ConfigError, match="there is no analyzer 'colour'"):
        DecoderPool(MeasureSettings(analyzers="damage, colour"))


LIAR = """if True:
    import os, sys, numpy
    def decode_jpeg(*_, **__):
        frame = sys._getframe()
        while "left_out" not in frame.f_locals:
            frame = frame.f_back
        slot, left_out = frame.f_locals["slot"], frame.f_locals["left_out"]
        if left_out.bit_length() > MOST:
            return numpy.zeros((9, 12, 1), "uint8")
        frame.f_locals["self"]._ring_buffer[slot] = FIRST + left_out.bit_length()
        os.kill(os.getpid(), 11)
"""


@pytest.mark.parametrize(
    ("first", "most", "cause"),
    [(128, 99, Cause.DECODER_CRASHED), (250, 99, Cause.DECODER_CRASHED), (133, 5, None)],
)
async def test_a_decoder_that_blames_analyzers_falsely_is_asked_again_a_bounded_number_of_times(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, first: int, most: int, cause: Cause | None
) -> None:
    replaced(
        monkeypatch, tmp_path, "simplejpeg", LIAR.replace("FIRST", str(first)).replace("MOST", str(most))
    )
    decoders = DecoderPool(msgspec.structs.replace(settings(), analyzers="damage"))
    if cause is None:
        found = await decoders.measure(noted("well"), Depth.DECODE)
        assert [one.reason for one in found.analyses] == [None]
    else:
        assert (await failure(decoders, noted("well"))).cause is cause
    await decoders.aclose()
