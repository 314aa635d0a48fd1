"""Dates as spreadsheets, mails and cameras write them: what is read, what needs an order, what is none."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retailpulse.domain.date_formats import DateOrder
from retailpulse.domain.times import is_ambiguous_date, parse_instant, parse_visit_time

DOCUMENT = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
TEN = MIDNIGHT + timedelta(hours=10)
DAY_FIRST, MONTH_FIRST = DateOrder
DATES = st.dates(date(1990, 1, 1), date(2100, 12, 31))
TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2100, 12, 31))


@pytest.mark.parametrize(
    "written",
    [
        "2026/11/20",
        "2026.11.20",
        "2026:11:20",
        "20 Nov 2026",
        "20 november 2026",
        "20-Nov-2026",
        "20-NOV-26",
        "20/Nov/2026",
        "20 Nov, 2026",
        "20th Nov. 2026",
        "Nov 20, 2026",
        "November 20 2026",
        "Fri, 20 Nov 2026",
        "Friday, November 20, 2026",
        "46346",
        "46346.0",
        "20261120",
        "20261120.0",
        " 2026/11/20\n",
    ],
)
def test_a_date_that_can_only_mean_one_day_is_its_midnight(written: str) -> None:
    assert parse_visit_time(written) == MIDNIGHT


@pytest.mark.parametrize(
    "written",
    [
        "2026/11/20 10:00",
        "2026/11/20 10:00:00",
        "2026-11-20 10:00 AM",
        "2026-11-20 10:00:00 UTC",
        "2026-11-20 10:00:00 GMT",
        "2026-11-20 10:00:00 Z",
        "2026-11-20 15:30:00 +0530",
        "2026-11-20 15:30:00+0530",
        "2026-11-20 15:00:00+05",
        "2026-11-20 15:30:00 +05:30",
        "2026-11-20T05:00:00 -0500",
        "2026:11:20 10:00:00",
        "20 Nov 2026 10:00:00",
        "20 Nov 2026, 10:00",
        "20-Nov-2026 10.00 am",
        "Nov 20, 2026 10 AM",
        "Nov 20, 2026, 10:00:00\N{NARROW NO-BREAK SPACE}AM",
        "Nov 20, 2026 03:30 p.m. +0530",
        "Fri, 20 Nov 2026 15:30:00 +0530",
        "Fri, 20 Nov 2026 15:30:00 +0530 (IST)",
        "Fri, 20 Nov 2026 10:00:00 GMT",
        "20 Nov 2026 10:00:00 GMT",
        "Fri Nov 20 2026 15:30:00 GMT+0530 (India Standard Time)",
        "46346.4166666667",
        "2026112010",
        "2026112010.0",
        "202611201000",
        "20261120100000",
        "20261120100000.0",
        "1795168800",
        "1795168800000",
    ],
)
def test_a_time_may_stand_behind_the_date(written: str) -> None:
    assert parse_visit_time(written) == TEN


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("20261120103005", TEN + timedelta(minutes=30, seconds=5)),
        ("20261120103005.25", TEN + timedelta(minutes=30, seconds=5.25)),
        ("202611201030", TEN + timedelta(minutes=30)),
        ("46346.4375", TEN + timedelta(minutes=30)),
        ("32874", datetime(1990, 1, 1, tzinfo=UTC)),
        ("73415", datetime(2100, 12, 31, tzinfo=UTC)),
        ("1764500000", datetime(2025, 11, 30, 10, 53, 20, tzinfo=UTC)),
        ("2026139910", datetime.fromtimestamp(2026139910, UTC)),  # no date, so that it is an epoch
        ("999999999", datetime(2001, 9, 9, 1, 46, 39, tzinfo=UTC)),
        ("29 Feb 2028", datetime(2028, 2, 29, tzinfo=UTC)),
        ("20 Nov 2026 12:00 AM", MIDNIGHT),
        ("20 Nov 2026 12:00 PM", MIDNIGHT + timedelta(hours=12)),
        ("20 Nov 2026 3.15 pm", MIDNIGHT + timedelta(hours=15, minutes=15)),
        ("2026/11/20 10:00:00.1234567", TEN + timedelta(microseconds=123_456)),
        ("2026/11/20 10:00:00,5", TEN + timedelta(milliseconds=500)),
        ("Fri, 20 Nov 2026 20:00:00 -1000", MIDNIGHT + timedelta(hours=30)),
    ],
)
def test_numbers_halves_of_the_day_and_fractions_mean_what_they_say(written: str, expected: datetime) -> None:
    assert parse_visit_time(written) == expected


@pytest.mark.parametrize("time", ["", " 10:00", " 10:00:05", " 10:00 AM", ", 3.15 pm", "T10:00:00+05:30"])
@pytest.mark.parametrize("written", ["3/4/2026", "03.04.2026", "3-4-2026", "3/4/26"])
def test_an_order_says_which_number_is_the_day(written: str, time: str) -> None:
    text = f"{written}{time}"
    assert parse_visit_time(text) is None
    assert is_ambiguous_date(text)
    assert parse_visit_time(text, DAY_FIRST) == parse_visit_time(f"2026/4/3{time}")
    assert parse_visit_time(text, MONTH_FIRST) == parse_visit_time(f"2026/3/4{time}")
    assert None not in {parse_visit_time(text, order) for order in DateOrder}


def test_a_day_that_proves_its_order_is_not_guessed_either() -> None:
    assert parse_visit_time("25/11/2026") is None
    assert is_ambiguous_date("25/11/2026")
    assert parse_visit_time("25/11/2026", DAY_FIRST) == datetime(2026, 11, 25, tzinfo=UTC)
    assert parse_visit_time("25/11/2026", MONTH_FIRST) is None


@pytest.mark.parametrize("order", DateOrder)
@pytest.mark.parametrize(
    "written", ["2026-03-04", "2026/3/4", "20260304", "4 Mar 2026", "March 4, 2026", "46085"]
)
def test_an_order_changes_nothing_that_is_clear_without(written: str, order: DateOrder) -> None:
    assert parse_visit_time(written, order) == datetime(2026, 3, 4, tzinfo=UTC)
    assert not is_ambiguous_date(written)


@pytest.mark.parametrize(
    "text",
    [
        "time of store visit",
        "",
        "2026-13-01",
        "2026/02/30",
        "29 Feb 2026",
        "31/11/2026",
        "2026/0/20",
        "11/2026",
        "2026-11",
        "2026/11",
        "Nov 2026",
        "20 Nov",
        "12:30",
        "10:00 AM",
        "1.2.3",
        "1.2.3.4",
        "3/4",
        "7100015",
        "RP00001",
        "1234",
        "12345",  # 1933 as the number of a day
        "99999",
        "46346.",
        "-46346",
        "4634",
        "463461",
        "2026-11-20T24:00:00",
        "2026/11/20 24:00",
        "2026/11/20 10:60",
        "2026/11/20 10:00:60",
        "2026/11/20 10",
        "2026/11/20 13:00 PM",
        "2026/11/20 0:30 AM",
        "2026/11/20 10:00-11:00",  # two times of a day, not a zone
        "2026/11/20 10:00 - 11:00",
        "2026/11/20 10:00:00 +1500",
        "2026/11/20 10:00:00 +0560",
        "2026/11/20 10:00:00 IST",  # India's, Israel's and Ireland's
        "2026/11.20",
        "20/11-2026",
        "20/11/226",
        "20/11/0026",
        "20/11/1066",
        "20 Nov 2101",
        "2026/011/20",
        "Mon, 20 Nov 2026",  # a Friday
        "20 Now 2026",
        "20 Novem 2026",
        "20 Nov 2026 and later",
        "about 20 Nov 2026",
        "20.11.2026-21.11.2026",
        "202613011030",
        "202611201",
        "20261120103",
        "20261120103061",
        "99999999999999",
        "２０/１１/２０２６",
        "２０ Nov 2026",
        "４６３４６",
        "٢٠٢٦/١١/٢٠",
        "20 Nov 2026\0",
        "20\n11\n2026",
    ],
)
def test_what_has_no_single_meaning_has_no_instant(text: str) -> None:
    assert [parse_visit_time(text, order) for order in (None, *DateOrder)] == [None] * 3
    assert not is_ambiguous_date(text)


@pytest.mark.parametrize(
    "text", ["1" * 2_000_000, "20 Nov 2026" + " " * 2_000_000, "Fri, " * 500_000, "3/4/2026 " + "9" * 90]
)
def test_a_text_of_any_length_is_refused(text: str) -> None:
    assert [parse_visit_time(text, order) for order in (None, *DateOrder)] == [None] * 3


def test_what_filters_are_given_stays_iso_8601_and_epochs() -> None:
    assert parse_instant("2026/11/20") is None
    assert parse_instant("20 Nov 2026") is None
    assert parse_instant("46346") is None


def test_what_the_documents_name_is_read() -> None:
    table = DOCUMENT.partition("| ISO 8601, RFC 3339 |")[2].partition("\n\n")[0]
    examples = re.findall("`([^`]+)`", table)
    assert len(examples) >= 15
    assert [text for text in examples if parse_visit_time(text) is None] == []


@given(DATES, st.sampled_from("/.-"), st.booleans())
def test_dates_with_an_order_are_read_back(day: date, separator: str, padded: bool) -> None:
    width = 2 if padded else 1
    first, second = f"{day.day:0{width}}", f"{day.month:0{width}}"
    expected = datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert parse_visit_time(separator.join((first, second, str(day.year))), DAY_FIRST) == expected
    assert parse_visit_time(separator.join((second, first, str(day.year))), MONTH_FIRST) == expected


@given(TIMES)
def test_times_without_a_fraction_are_read_back_from_every_writing(time: datetime) -> None:
    time = time.replace(microsecond=0)
    expected = time.replace(tzinfo=UTC)
    for form in (
        "%Y/%m/%d %H:%M:%S",
        "%d %b %Y %H:%M:%S",
        "%B %d, %Y %I:%M:%S %p",
        "%a, %d %b %Y %H:%M:%S GMT",
    ):
        assert parse_visit_time(time.strftime(form)) == expected
    assert parse_visit_time(time.strftime("%Y%m%d%H%M%S")) == expected
    assert parse_visit_time(time.strftime("%Y%m%d%H%M")) == expected.replace(second=0)
    assert parse_visit_time(time.strftime("%d/%m/%Y, %I:%M:%S %p"), DAY_FIRST) == expected


@given(TIMES, st.integers(-12 * 60, 14 * 60))
def test_dates_of_mails_are_read_back(time: datetime, offset_minutes: int) -> None:
    local = time.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=offset_minutes)))
    assert parse_visit_time(format_datetime(local)) == local


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 12, 30)))
def test_numbers_of_workbooks_are_read_back_to_the_millisecond(time: datetime) -> None:
    days = (time - datetime(1899, 12, 30)) / timedelta(days=1)
    found = parse_visit_time(f"{days:.11f}")
    assert found is not None
    assert abs(found - time.replace(tzinfo=UTC)) <= timedelta(milliseconds=0.501)


@given(st.text("0123456789/.-: TZapmNov,+", max_size=40), st.sampled_from([None, *DateOrder]))
def test_no_text_is_too_strange(text: str, order: DateOrder | None) -> None:
    found = parse_visit_time(text, order)
    assert found is None or found.utcoffset() == timedelta(0)
    assert parse_instant(text) in {None, found}
