"""Hours from a visit to its photo: exact where both zones are known, else the least that there can be."""

import pytest

from retailpulse.domain.times import parse_visit_time
from retailpulse.domain.visit_hours import hours_from_instant, hours_from_visit


@pytest.mark.parametrize(
    ("taken_at", "visit_time", "hours"),
    [
        ("2026-11-20T10:30:00+05:30", "2026-11-20T05:00:00Z", 0),
        ("2026-11-20T11:00:00+05:30", "2026-11-20T10:30:00+05:30", 0.5),
        ("2026-11-19T10:30:00+05:30", "2026-11-20T05:00:00Z", -24),
        ("2026-11-20T10:20:00Z", "Fri, 20 Nov 2026 10:00:00 +0000", 0.33),
        ("2026-11-20T10:20:00Z", "20 Nov 2026 10:00 AM UTC", 0.33),
        ("2026-11-20T10:20:00Z", "1795168800", 0.33),
        # The camera may be up to 14 hours ahead of UTC, or 12 behind.
        ("2026-11-21T00:00:00", "2026-11-20T10:00:00Z", 0),
        ("2026-11-21T01:00:00", "2026-11-20T10:00:00Z", 1),
        ("2026-11-19T22:00:00", "2026-11-20T10:00:00Z", 0),
        ("2026-11-19T21:00:00", "2026-11-20T10:00:00Z", -1),
        # The visit may be, too, in every way to write it.
        ("2026-11-20T22:00:00Z", "2026-11-20 10:00:00", 0),
        ("2026-11-20T23:00:00Z", "20261120100000", 1),
        ("2026-11-19T20:00:00Z", "20 Nov 2026 10:00", 0),
        ("2026-11-19T19:00:00Z", "2026-11-20T10:00", -1),
        ("2026-11-21T01:00:00", "2026-11-20 10:00:00", 1),
        ("2026-11-19T19:00:00", "2026-11-20 10:00:00", -1),
        # A date lasts a day, wherever it is; programs write it as midnight.
        ("2026-11-21T12:00:00Z", "2026-11-20", 0),
        ("2026-11-21T13:00:00Z", "2026-11-20", 1),
        ("2026-11-19T10:00:00Z", "2026-11-20 00:00:00", 0),
        ("2026-11-19T09:00:00Z", "20261120", -1),
        ("2026-11-21T01:00:00Z", "2026-11-20T00:00:00Z", 1),
        ("2026-11-20T20:30:00+05:30", "2026-11-20T00:00:00+05:30", 0),
    ],
)
def test_the_least_difference_that_there_can_be(taken_at: str, visit_time: str, hours: float) -> None:
    visited_at = parse_visit_time(visit_time)
    assert visited_at is not None
    assert hours_from_visit(taken_at, visit_time, visited_at) == hours


def test_what_is_no_time_is_unknown_and_an_instant_is_exact() -> None:
    instant = parse_visit_time("2026-11-20T00:00:00Z")
    assert instant is not None
    assert hours_from_instant("2026-11-20T01:00:00Z", instant) == 1
    for text in ("", "soon", "2026-11-20T25:00:00", "9999-12-31T23:59:59-23:59:60"):
        assert hours_from_instant(text, instant) is None
