"""Damaged bodies: a measurement or an ImageError with a text fit to be shown, and no crash, hang or leak."""

import hashlib
import re
from collections.abc import Iterator

import pytest
from hypothesis import given

from retailpulse.domain.images import Cause, Depth
from tests.fuzz.cases import CaseCounter, share
from tests.fuzz.damaged import DAMAGED, Damaged
from tests.fuzz.examiner import Examiner
from tests.fuzz.examining import LIMIT, Judgement, Report

CAUSES = {Cause.UNSUPPORTED_FORMAT, Cause.CORRUPT, Cause.TRUNCATED, Cause.TOO_MANY_PIXELS}
OF_THIS_PROGRAM = re.compile(r"0x[0-9a-fA-F]{4}|\.py\b|/(usr|home|root|tmp|work)/|Traceback|<\w+\.")


@pytest.fixture(scope="module")
def examiner(counter: CaseCounter) -> Iterator[Examiner]:
    with Examiner() as running:
        yield running
        counter.note(running.story)
        running.check_leaks()


@share(0.16)
@given(damaged=DAMAGED)
def test_a_damaged_body_is_measured_or_refused_with_a_cause(
    counter: CaseCounter, examiner: Examiner, damaged: Damaged
) -> None:
    counter.count("damaged bodies")
    report = examiner.examine(damaged)
    try:
        for verdict in report.whole.values():
            check_judgement(verdict)
        check_depths(report, damaged.body)
        check_parts(report)
    except AssertionError as error:
        error.add_note(examiner.saved(damaged))
        raise


def check_judgement(verdict: Judgement) -> None:
    assert not verdict.raised, verdict.raised
    if verdict.header is not None:
        assert 0 < verdict.header.width * verdict.header.height <= LIMIT
    else:
        assert verdict.cause in CAUSES
        check_text(verdict.detail)
    if verdict.facts is not None and verdict.facts.suspect is not None:
        check_text(verdict.facts.suspect)


def check_text(text: str) -> None:
    assert 0 < len(text) < 300
    assert text.isprintable(), repr(text)
    assert not OF_THIS_PROGRAM.search(text), text


def check_depths(report: Report, body: bytes) -> None:
    """Each depth says all that the one before it says."""
    header, download, decode = (report.whole[depth] for depth in Depth)
    assert download == header if header.cause else download.header in {header.header, None}
    assert decode == download if download.cause else decode.header in {header.header, None}
    for measured in (download.facts, decode.facts):
        if measured is not None:
            assert (measured.size_bytes, measured.sha256) == (len(body), hashlib.sha256(body).hexdigest())


def check_parts(report: Report) -> None:
    """A first part says nothing yet, or what the whole says."""
    whole = report.whole[Depth.HEADER]
    for end, part in report.parts.items():
        said = (part.header, part.cause, part.detail, part.raised)
        assert said == (whole.header, whole.cause, whole.detail, ""), f"the first {end} bytes"
