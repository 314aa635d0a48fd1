"""A gap in the suspend_detector of a worker is a sleep, or its own loop was busy: CPU time tells which."""

import pytest

from retailpulse.worker import suspend_detector as pulse_room
from retailpulse.worker.suspend_detector import SuspendDetector


class Clocks:
    """The clocks that a suspend_detector is measured by; they stand for those of `time`."""

    now = cpu = 100.0

    def monotonic(self) -> float:
        return self.now

    def thread_time(self) -> float:
        return self.cpu

    def run(self, seconds: float, cpu_seconds: float) -> None:
        self.now += seconds
        self.cpu += cpu_seconds


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()
    monkeypatch.setattr(pulse_room, "time", clocks)
    return clocks


def test_a_sleep_is_no_work(clocks: Clocks) -> None:
    suspend_detector = SuspendDetector()
    clocks.run(3_600.0, 0.5)
    assert suspend_detector.suspensions() == 1
    assert suspend_detector.busy_seconds() == 0.5


def test_the_longest_time_of_work_is_told_once(clocks: Clocks) -> None:
    suspend_detector = SuspendDetector()
    for seconds in (5.0, 9.0, 3.0):
        clocks.run(seconds, seconds)
        suspend_detector.suspensions()
    assert (suspend_detector.busy_seconds(), suspend_detector.busy_seconds()) == (9.0, 0.0)


def test_a_loop_that_is_busy_but_turns_has_no_gap(clocks: Clocks) -> None:
    suspend_detector = SuspendDetector()
    for _ in range(20):
        clocks.run(0.5, 0.5)
        assert suspend_detector.suspensions() == 0
    assert suspend_detector.busy_seconds() == 0
