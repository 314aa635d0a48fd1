"""Figures as numbers for SVG: a line of the last hour, which part of each column failed."""

from datetime import UTC, datetime, timedelta

from retailpulse.dashboard import charts
from retailpulse.storage.metrics.throughput import SettledPeriod

BEGIN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def chart(*settled: tuple[int, int]) -> charts.Chart:
    """The chart of minutes in which so many were measured and failed."""
    minutes = [
        SettledPeriod(begins_at=BEGIN + place * timedelta(minutes=1), measured=measured, failed=failed)
        for place, (measured, failed) in enumerate(settled)
    ]
    return charts.throughput("hour", minutes, 60)


def test_a_line_goes_from_the_oldest_value_on_the_left_to_the_newest_on_the_right() -> None:
    line = charts.sparkline([0, 2, 1])
    assert line is not None
    assert (line.points, line.last) == ("0.0,22.0 32.0,0.0 64.0,11.0", 11.0)


def test_there_is_no_line_of_nothing() -> None:
    assert charts.sparkline([]) is None
    assert charts.sparkline([5]) is None
    assert charts.sparkline([0, 0, 0]) is None


def test_the_failed_part_of_a_column_without_images_is_none() -> None:
    found = chart((30, 10), (0, 0), (0, 7))
    assert [round(share, 2) for share in found.failure_shares] == [0.25, 0, 1]
    assert found.rates[1] == 0 < found.rates[2] < found.rates[0]
