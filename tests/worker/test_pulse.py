"""A gap in the pulse of a worker is a sleep, or its own loop was busy: CPU time tells which."""

import pytest

from retailpulse.worker import pulse as pulse_room
from retailpulse.worker.pulse import Pulse


class Clocks:
    """The clocks that a pulse is measured by; they stand for those of `time`."""

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
    pulse = Pulse()
    clocks.run(3_600.0, 0.5)
    assert pulse.sleeps() == 1
    assert pulse.busy_seconds() == 0.5


def test_the_longest_time_of_work_is_told_once(clocks: Clocks) -> None:
    pulse = Pulse()
    for seconds in (5.0, 9.0, 3.0):
        clocks.run(seconds, seconds)
        pulse.sleeps()
    assert (pulse.busy_seconds(), pulse.busy_seconds()) == (9.0, 0.0)


def test_a_loop_that_is_busy_but_turns_has_no_gap(clocks: Clocks) -> None:
    pulse = Pulse()
    for _ in range(20):
        clocks.run(0.5, 0.5)
        assert pulse.sleeps() == 0
    assert pulse.busy_seconds() == 0
