"""Who watches a loop: silence counts while the watcher runs, and whoever slept with it is not blamed."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from retailpulse.process import loop_heartbeat
from retailpulse.process.loop_heartbeat import LONGEST_LOOK_SECONDS, LoopWatch, beat_forever
from tests.processes import stat
from tests.running import wait_for

BEATING = """
    import asyncio, sys
    from retailpulse.process.loop_heartbeat import beat_forever
    async def main():
        task = asyncio.create_task(beat_forever(int(sys.argv[1])))
        await asyncio.sleep(0)
        {then}
        await task
    asyncio.run(main())
"""
WATCHING_ITSELF = """
    import asyncio
    from retailpulse.process.loop_heartbeat import ending_when_stalled
    async def main():
        async with ending_when_stalled(1):
            await asyncio.sleep(0)
            {then}
    asyncio.run(main())
"""


class Clock:
    """A clock that a test sets; it stands for `time.monotonic`."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(loop_heartbeat, "time", clock)
    return clock


def looks(watch: LoopWatch, clock: Clock, *pauses: float) -> float:
    """Looks after each of these pauses, and says how long there was no sign."""
    for pause in pauses:
        clock.now += pause
        silent_seconds = watch.look()
    return silent_seconds


def test_silence_counts_from_the_last_sign_on(clock: Clock) -> None:
    with LoopWatch() as watch:
        assert looks(watch, clock, 0.5, 0.5, 0.5) == 0, "it has not begun yet"
        os.write(watch.writing_end, b"..")
        assert looks(watch, clock, 0.5) == 0
        assert looks(watch, clock, 0.5, 0.5, 0.25) == 1.25
        os.write(watch.writing_end, b".")
        assert looks(watch, clock, 0.5) == 0


def test_a_watcher_that_slept_counts_nothing_of_that_time(clock: Clock) -> None:
    with LoopWatch() as watch:
        os.write(watch.writing_end, b".")
        assert looks(watch, clock, 0.5, 0.5, 3_600.0, LONGEST_LOOK_SECONDS + 0.1) == 0.5
        assert looks(watch, clock, LONGEST_LOOK_SECONDS) == 0.5 + LONGEST_LOOK_SECONDS


@contextmanager
def beating(watch: LoopWatch, then: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose loop gives signs, and then does something else."""
    code = textwrap.dedent(BEATING).format(then=then)
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(watch.writing_end)], pass_fds=[watch.writing_end]
    )
    watch.hand_over()
    try:
        yield child
    finally:
        child.kill()
        child.wait()


async def test_a_loop_that_stands_still_is_noticed() -> None:
    with LoopWatch() as watch, beating(watch, "while True: pass"):
        await asyncio.wait_for(watch.until_stalled(1.0), 30)


async def test_a_loop_that_turns_or_waits_is_not() -> None:
    with LoopWatch() as watch, beating(watch, "await asyncio.sleep(2)"):
        stalled = asyncio.create_task(watch.until_stalled(1.0))
        await asyncio.to_thread(wait_for, lambda: watch.signs >= 5)
        assert not stalled.done()
        stalled.cancel()


async def test_who_writes_goes_on_when_nobody_reads_and_ends_when_nobody_can() -> None:
    reading_end, writing_end = os.pipe()
    os.set_blocking(writing_end, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(writing_end, bytes(4_096))
    task = asyncio.create_task(beat_forever(writing_end))
    await asyncio.sleep(0)
    assert not task.done()
    os.close(reading_end)
    await asyncio.wait_for(task, 30)
    os.close(writing_end)


def ending(then: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(WATCHING_ITSELF).format(then=then)])


def test_a_process_that_nobody_watches_ends_itself() -> None:
    assert ending("while True: pass").wait(30) == -signal.SIGKILL


def freeze(child: subprocess.Popen[bytes]) -> None:
    os.kill(child.pid, signal.SIGSTOP)
    wait_for(lambda: stat(child.pid)[0] == "T")


async def test_a_process_that_was_frozen_for_longer_than_that_goes_on() -> None:
    """For how long, is told by the watcher of another that is frozen too."""
    with ending("await asyncio.sleep(4)") as child, LoopWatch() as watch, beating(watch, "pass") as other:
        wait_for(lambda: len(list(Path(f"/proc/{child.pid}/task").iterdir())) == 2)
        wait_for(lambda: not watch.look() and watch.signs)
        freeze(child)
        freeze(other)
        await asyncio.wait_for(watch.until_stalled(2.0), 30)
        os.kill(child.pid, signal.SIGCONT)
        assert await asyncio.to_thread(child.wait, 30) == 0
