"""What decoders write to standard error: a finding about the one body, or a line about a crash; no flood."""

import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from retailpulse.domain.images import Cause, Depth
from retailpulse.measure import DecoderPool
from retailpulse.measure.process_pool.stderr import (
    MAX_LINE,
    PIPE_BYTES,
    first_line,
    last_words,
    new_pipe,
    read_said,
)
from tests.measure import intruder
from tests.measure.intrusion import noted
from tests.measure.pictures import FLAVOURS, fax
from tests.measure.process_pool.test_pool import failure, replaced, settings
from tests.measure.watching import alive, until
from tests.processes import is_gone

PHOTO = FLAVOURS["jpeg baseline"].body
INTRUDER = Path(intruder.__file__).read_text()


@pytest.fixture
async def decoders() -> AsyncIterator[DecoderPool]:
    made = DecoderPool(settings())
    yield made
    await made.aclose()


async def test_what_a_library_writes_is_a_finding_about_its_body_alone(
    decoders: DecoderPool, capfd: pytest.CaptureFixture[str]
) -> None:
    bodies = [FLAVOURS["tiff lzw"].body, fax(), PHOTO]
    found = [(await decoders.measure(body, Depth.DECODE)).suspect for body in bodies]
    assert found[0] is found[2] is None
    assert found[1] is not None
    assert found[1].startswith("the decoder says: Fax3DecodeRLE: Bad code word")
    assert capfd.readouterr() == ("", "")
    assert decoders.crashes == 0


async def test_a_body_that_fails_leaves_nothing_it_said_to_the_next(decoders: DecoderPool) -> None:
    broken = fax()[:-40_000]
    assert (await failure(decoders, broken)).cause is Cause.TRUNCATED
    assert (await decoders.measure(PHOTO, Depth.DECODE)).suspect is None


async def test_what_is_said_is_cut_and_made_fit_to_be_shown(
    decoders: DecoderPool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    replaced(monkeypatch, tmp_path, "simplejpeg", INTRUDER)
    said = (await decoders.measure(noted("talk"), Depth.DECODE)).suspect
    assert said == f"worked: {PIPE_BYTES}", "what does not fit is dropped, nobody waits"
    assert (await decoders.measure(PHOTO, Depth.DECODE)).suspect is None


async def test_the_last_words_of_a_decoder_are_one_line_of_our_log(
    decoders: DecoderPool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = "def decode_jpeg(*_, **__): raise KeyboardInterrupt('\\x1b[2J' + 'x' * 100_000 + '\\nthe end')\n"
    replaced(monkeypatch, tmp_path, "simplejpeg", source)
    with caplog.at_level(logging.WARNING):
        error = await failure(decoders, PHOTO)
    assert error.detail == "the decoder ended with code 1"
    (line,) = (one.message for one in caplog.records if "a decoder ended" in one.message)
    assert line.startswith("a decoder ended with code 1 and said: ")
    assert line.isprintable()
    assert len(line) < 400


async def test_a_decoder_that_makes_up_its_own_end_writes_no_line_of_its_own(
    decoders: DecoderPool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = """if True:
        import os
        from retailpulse.measure.process_pool.protocol import Ended, encode
        def decode_jpeg(*_, **__):
            for fd in range(3, 20):
                try: os.write(fd, encode(Ended(0, "all is well\\n2030-01-01 ERROR worker: stolen")))
                except OSError: pass
    """
    replaced(monkeypatch, tmp_path, "simplejpeg", source)
    await decoders.measure(FLAVOURS["png"].body, Depth.DECODE)
    (pid,) = alive()
    error = await failure(decoders, PHOTO)
    assert error.detail == "the decoder gave no answer that makes sense"
    assert "stolen" not in caplog.text
    await until(lambda: is_gone(pid))


def test_the_pipe_is_small_and_never_waited_for() -> None:
    reading, writing = new_pipe()
    try:
        assert read_said(reading) == b""
        assert os.write(writing, bytes(1_000_000)) <= 65_536
        with pytest.raises(BlockingIOError):
            os.write(writing, bytes(PIPE_BYTES))
        assert len(read_said(reading)) == PIPE_BYTES
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (b"", ""),
        (b"\n \n\x00\x1b\nsecond\nthird", "second"),
        (b"one\ttwo \x1b[31m red \xff\xfe", "one two [31m red"),
        (b"x" * 1000, "x" * MAX_LINE),
    ],
)
def test_the_first_line_is_the_first_that_says_something(said: bytes, line: str) -> None:
    assert first_line(said) == line
    assert first_line(b"") == last_words(b"\n\n", 10) == ""
    assert last_words(b"first\nthe last words", 10) == "last words"
