"""What becomes of the facts that analyzers tell: fields of a measurement, if a column can hold them."""

from base64 import b64encode
from typing import Any

import pytest

from retailpulse.domain.analysis import MAX_TEXT, Analysis
from retailpulse.domain.images import Format, Header
from retailpulse.measure import make_measurement

HEADER = Header(format=Format.PNG, width=3, height=2, displayed_width=2, displayed_height=3)


def analysis_with(**facts: Any) -> Analysis:
    """What an analyzer says of a picture."""
    return Analysis(analyzer="some", version=2, facts=facts)


def test_a_fact_with_the_name_of_a_field_becomes_the_field() -> None:
    analyses = (
        analysis_with(suspect="a marker is missing", unknown=7),
        Analysis(analyzer="x", version=1, reason="no"),
    )
    measurement = make_measurement(HEADER, size_bytes=7, sha256="ab", analyses=analyses)
    assert (measurement.suspect, measurement.analyses) == ("a marker is missing", analyses)


@pytest.mark.parametrize("wrong", ["a\0b", "x" * (MAX_TEXT + 1), 5, 1.5, True], ids=repr)
def test_a_fact_that_its_column_cannot_hold_is_left_out(wrong: object) -> None:
    assert make_measurement(HEADER, analyses=[analysis_with(suspect=wrong)]).suspect is None


def test_no_analyzer_says_what_the_worker_reads_for_itself() -> None:
    lies = analysis_with(
        format="gif", width=9, displayed_height=9, size_bytes=9, sha256="ff" * 32, perimeter=9
    )
    found = make_measurement(HEADER, size_bytes=7, sha256="ab", analyses=[lies])
    assert (found.format, found.width, found.displayed_height, found.size_bytes) == ("png", 3, 3, 7)
    assert (found.sha256, found.perimeter) == ("ab", None)


def fingerprint_of(part: int = 3) -> str:
    """What the analyzer tells, with one hash."""
    return b64encode(bytes([1, part]) + bytes(range(32))).decode()


def test_a_fingerprint_is_carried_beside_the_facts() -> None:
    found = make_measurement(HEADER, analyses=[analysis_with(fingerprint=fingerprint_of(), suspect="odd")])
    assert found.fingerprint == bytes([1, 3]) + bytes(range(32))
    assert found.suspect == "odd"
    assert found.analyses == (analysis_with(suspect="odd"),)


@pytest.mark.parametrize(
    "wrong",
    [None, 5, "", "AQM", "Grüße", "A" * 44 + "!", fingerprint_of(255), fingerprint_of()[:-4], "AQM" * 90],
    ids=repr,
)
def test_what_is_no_fingerprint_is_left_out(wrong: object) -> None:
    found = make_measurement(HEADER, analyses=[analysis_with(fingerprint=wrong)])
    assert found.fingerprint is None
    assert found.analyses == (analysis_with(),)


def test_a_blank_picture_has_no_fingerprint() -> None:
    analyses = [analysis_with(content=0.0), analysis_with(fingerprint=fingerprint_of())]
    found = make_measurement(HEADER, analyses=analyses)
    assert (found.flags, found.fingerprint) == (["blank"], None)
