import pytest

from retailpulse.fetch.http.ranges import Part, Span, parse_part, parse_total


def test_a_span_is_written_with_its_last_byte() -> None:
    assert str(Span(start=0, end=16_384)) == "0-16383"
    assert str(Span(start=65_536, end=None)) == "65536-"


def test_a_part_is_read() -> None:
    assert parse_part(b"bytes 0-99/500") == Part(start=0, end=100, total=500)
    assert parse_part(b"Bytes 100-199/*") == Part(start=100, end=200, total=None)


@pytest.mark.parametrize(
    "header",
    [
        None, b"", b"bytes", b"bytes 0-99", b"bytes 99-0/500", b"bytes 0-99/99", b"bytes */500",
        b"items 0-99/500", b"bytes -1-5/9", b"bytes 0-99/500 ", b"bytes 0-9999999999999999999/*",
    ],
)  # fmt: skip
def test_a_part_that_makes_no_sense_is_none(header: bytes | None) -> None:
    assert parse_part(header) is None


def test_the_total_of_an_unsatisfied_range_is_read() -> None:
    assert parse_total(b"bytes */0") == 0
    assert parse_total(b"bytes */500") == 500
    assert parse_total(b"bytes 0-1/500") is None
    assert parse_total(None) is None
