"""What becomes of the facts that analyzers tell: fields of a measurement, if a column can hold them."""

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
