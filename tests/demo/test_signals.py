"""A signal that comes while threads start waits until they have started."""

import os
import signal

import pytest

from retailpulse.demo.drawing import signals_deferred


class Stopped(Exception):
    """What the handler of these tests raises."""


def test_a_signal_comes_after_the_block_and_to_its_own_handler() -> None:
    def stop(_number: int, _frame: object) -> None:
        raise Stopped

    done: list[str] = []
    before = signal.signal(signal.SIGTERM, stop)
    try:
        with pytest.raises(Stopped), signals_deferred():
            os.kill(os.getpid(), signal.SIGTERM)
            done.extend(name for name in ("first", "last"))
        assert done == ["first", "last"]
        assert signal.getsignal(signal.SIGTERM) is stop
    finally:
        signal.signal(signal.SIGTERM, before)
