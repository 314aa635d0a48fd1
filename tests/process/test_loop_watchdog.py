"""The watchdog over real event loops: CPU time alone is late, and the line names who took it."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest
import uvloop

from retailpulse.process.loop_watchdog import LoopWatchdog, watch_loop
from tests.running import wait_for

MOST_SECONDS = 20.0


def burn_until(condition: Callable[[], bool]) -> None:
    """Take CPU time, all in one turn of the loop."""
    end = time.thread_time() + MOST_SECONDS
    while not condition() and time.thread_time() < end:
        sum(range(1_000))


async def seen(condition: Callable[[], bool]) -> None:
    await asyncio.to_thread(wait_for, condition)


def looks_more(watchdog: LoopWatchdog, count: int) -> Callable[[], bool]:
    until = watchdog.looks + count
    return lambda: watchdog.looks >= until


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, None]], None]:
    """Runs a coroutine on a loop of its own."""
    return request.param  # type: ignore[no-any-return]


def test_a_turn_that_takes_too_long_is_logged_with_who_it_was(
    run: Callable[[Coroutine[Any, Any, None]], None], caplog: pytest.LogCaptureFixture
) -> None:
    async def keep_the_loop() -> None:
        late: list[tuple[float, int]] = []
        watchdog = LoopWatchdog(on_late=lambda seconds: late.append((seconds, threading.get_ident())))
        await seen(looks_more(watchdog, 1))
        burn_until(lambda: watchdog.is_late)
        await seen(lambda: watchdog.late_turns == 1)
        assert watchdog.longest_seconds > 0.05
        await seen(lambda: bool(late))
        assert late == [(watchdog.longest_seconds, threading.get_ident())]
        watchdog.close()

    run(keep_the_loop())
    (line,) = caplog.messages
    assert "the event loop was kept for" in line
    assert "burn_until < process/test_loop_watchdog.py" in line
    assert "keep_the_loop" in line


def test_waiting_and_many_short_turns_are_not_late(
    run: Callable[[Coroutine[Any, Any, None]], None], caplog: pytest.LogCaptureFixture
) -> None:
    async def run_callbacks() -> None:
        watchdog = LoopWatchdog()
        waited = looks_more(watchdog, 6)
        while not waited():
            threading.Event().wait(0.01)  # holds the loop up, and takes no CPU time
        worked = looks_more(watchdog, 6)
        while not worked():
            sum(range(10_000))
            await asyncio.sleep(0)
        await seen(looks_more(watchdog, 2))
        watchdog.close()
        assert watchdog.late_turns == 0

    run(run_callbacks())
    assert caplog.messages == []


@pytest.mark.parametrize(("quiet_seconds", "lines"), [(1_000.0, 1), (0.0, 2)])
async def test_lines_are_few_and_turns_are_counted(
    caplog: pytest.LogCaptureFixture, quiet_seconds: float, lines: int
) -> None:
    watchdog = LoopWatchdog(quiet_seconds=quiet_seconds)
    for _ in range(2):
        before = watchdog.late_turns
        burn_until(lambda: watchdog.is_late)
        await seen(partial(_is_later, watchdog, before))
    watchdog.close()
    assert len(caplog.messages) == lines


def _is_later(watchdog: LoopWatchdog, before: int) -> bool:
    return watchdog.late_turns > before


def test_it_ends_with_its_loop(run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    async def begin() -> None:
        watch_loop()
        assert watchdogs()

    run(begin())
    for thread in watchdogs():
        thread.join(MOST_SECONDS)
    assert not watchdogs()


def watchdogs() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "loop-watchdog"]
