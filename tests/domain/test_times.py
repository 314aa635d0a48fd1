"""What is read as a time, what is none, and where the ends of a range of dates lie."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.times import parse_day_range, parse_instant

TEN = datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T10:00:00Z",
        "2026-11-20t10:00:00z",
        "2026-11-20T10:00:00.000Z",
        "2026-11-20T10:00:00.000000000Z",
        "2026-11-20T10:00:00+00:00",
        "2026-11-20T10:00:00-00:00",
        "2026-11-20T15:30:00+05:30",
        "2026-11-20T05:00:00-0500",
        "2026-11-20T10:00:00",
        "2026-11-20 10:00:00",
        "2026-11-20 10:00:00Z",
        "2026-11-20T10:00",
        "2026-11-20T10",
        "20261120T100000Z",
        "2026-W47-5T10:00:00Z",
        "  2026-11-20T10:00:00Z\n",
        "1795168800",
        "1795168800.0",
        "1795168800000",
    ],
)
def test_one_instant_may_be_written_in_many_ways(text: str) -> None:
    assert parse_instant(text) == TEN


@pytest.mark.parametrize("text", ["2026-11-20", "20261120", "2026-W47-5"])
def test_a_bare_date_is_its_midnight_in_utc(text: str) -> None:
    assert parse_instant(text) == datetime(2026, 11, 20, tzinfo=UTC)


def test_fractions_are_kept_to_the_microsecond() -> None:
    assert parse_instant("2026-11-20T10:00:00.1234567Z") == TEN + timedelta(microseconds=123_456)
    assert parse_instant("1795168800123") == TEN + timedelta(milliseconds=123)
    assert parse_instant("1795168800.5") == TEN + timedelta(milliseconds=500)


@pytest.mark.parametrize(
    "text",
    [
        "time of store visit",
        "",
        " ",
        "noon",
        "now",
        "20.11.2026",
        "11/20/2026",
        "2026-13-01",
        "2026-02-30",
        "2026-11-20T25:00:00Z",
        "2026-11-20T10:00:00 UTC",
        "0000-01-01",
        "10000-01-01",
        "12345678",  # eight digits are a date, and this one is none
        "99999999999999",
        "1e10",
        "nan",
        "inf",
        "１７９５１６８８００",
        "0001-01-01T00:00:00+14:00",  # before the first year
        "9999-12-31T23:59:59-14:00",
        "2026-11-20T10:00:00Z\0",
        "2026-11-20T10:00:00.Z",
        "2026-11-20x10:00:00",
        "2026-11-20\t10:00:00",
        "2026-11-20-10:00",  # a date with a zone, not ten o'clock
        "2026-11-20Z",
    ],
)
def test_what_is_no_time_has_no_instant(text: str) -> None:
    assert parse_instant(text) is None


@given(st.text(max_size=60))
def test_no_text_is_too_strange(text: str) -> None:
    instant = parse_instant(text)
    assert instant is None or instant.utcoffset() == timedelta(0)


@given(st.datetimes(timezones=st.timezones()))
def test_every_time_that_is_written_as_iso_8601_is_read_back(time: datetime) -> None:
    try:
        expected = time.astimezone(UTC)
    except OverflowError:
        expected = None
    assert parse_instant(time.isoformat()) == expected


def test_a_range_of_bare_dates_ends_with_the_end_of_its_last_day() -> None:
    start, end = parse_day_range("2026-11-20", "2026-11-20")
    assert start == datetime(2026, 11, 20, tzinfo=UTC)
    assert end == datetime(2026, 11, 21, tzinfo=UTC)


def test_a_range_of_times_ends_just_behind_its_last_time() -> None:
    start, end = parse_day_range("2026-11-20T12:00:00+02:00", "2026-11-20 10:00:00")
    assert start == TEN
    assert end == TEN + timedelta(microseconds=1)


def test_an_end_that_is_not_given_stays_open() -> None:
    assert parse_day_range(None, None) == (None, None)
    assert parse_day_range("2026-11-20T10:00:00Z", None) == (TEN, None)
    assert parse_day_range(None, "2026-11-20T09:59:59.999999Z") == (None, TEN)


@pytest.mark.parametrize("end", ["9999-12-31", "9999-12-31T23:59:59.999999Z"])
def test_the_last_day_of_all_is_an_end_as_well(end: str) -> None:
    assert parse_day_range(None, end)[1] == datetime.max.replace(tzinfo=UTC)


def test_the_plus_of_a_zone_may_have_become_a_space() -> None:
    assert parse_day_range("2026-11-20T15:30:00 05:30", None)[0] == TEN
    assert parse_day_range("2026-11-20T12:00:00.000 0200", None)[0] == TEN
    assert parse_day_range("2026-11-20 10:00", None)[0] == TEN


@pytest.mark.parametrize("wrong", ["", "tomorrow", "2026-02-30", "2026-11-20T10:00:00 +2", "9" * 1_000])
def test_an_end_that_cannot_be_read_is_named(wrong: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^startdate "):
        parse_day_range(wrong, "2026-11-20")
    with pytest.raises(InvalidRequest, match=r"^enddate ") as refused:
        parse_day_range("2026-11-20", wrong)
    assert len(str(refused.value)) < 300
