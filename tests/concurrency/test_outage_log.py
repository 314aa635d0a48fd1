"""An outage has few lines, however often the database is tried meanwhile, and its end has one."""

import logging

import pytest

from retailpulse.concurrency.outage_log import CALM_SECONDS, OutageLog
from retailpulse.domain.errors import DatabaseUnavailable

logger = logging.getLogger(__name__)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outages(clock: Clock, caplog: pytest.LogCaptureFixture) -> OutageLog:
    caplog.set_level(logging.INFO)
    return OutageLog(logger.info, "the sweep", clock=clock)


def fail_for(outages: OutageLog, clock: Clock, seconds: float) -> None:
    """Two failures a second."""
    for _ in range(int(2 * seconds)):
        outages.failed(DatabaseUnavailable("it is gone"), results=3)
        clock.now += 0.5


def test_an_outage_is_told_of_at_once_then_ever_more_rarely_and_at_its_end(
    outages: OutageLog, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    outages.ended()
    fail_for(outages, clock, 80)
    outages.ended()
    outages.ended()
    assert caplog.messages == [
        "the sweep waits for the database: it is gone",
        "the sweep waits for the database, for 10 s now: it is gone",
        "the sweep waits for the database, for 30 s now: it is gone",
        "the sweep waits for the database, for 70 s now: it is gone",
        "the sweep has the database again, after 80.0 s",
    ]
    assert [getattr(record, "results", None) for record in caplog.records] == [3, 3, 3, 3, None]


def test_a_day_without_a_database_has_few_lines(
    outages: OutageLog, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    fail_for(outages, clock, 86_400)
    assert len(caplog.messages) == 149  # one in ten minutes, after the first six


def test_a_database_that_comes_and_goes_fills_no_log(
    outages: OutageLog, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(100):
        fail_for(outages, clock, 0.5)
        outages.ended()
    assert caplog.messages == [
        "the sweep waits for the database: it is gone",
        "the sweep has the database again, after 0.5 s",
        "the sweep waits for the database: it is gone",
        "the sweep has the database again, after 0.5 s",
        "the sweep waits for the database: it is gone",
        "the sweep has the database again, after 0.5 s",
    ]


def test_an_outage_after_a_calm_time_is_told_of_at_once(
    outages: OutageLog, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    fail_for(outages, clock, 25)
    outages.ended()
    clock.now += CALM_SECONDS
    caplog.clear()
    fail_for(outages, clock, 9)
    assert caplog.messages == ["the sweep waits for the database: it is gone"]
