"""A stop that waits for what never ends is ended itself."""

import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, sys, threading
from retailpulse.process.signals import exit_after

async def stubborn():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            print("goes on", flush=True)

async def run():
    stop = asyncio.Event()
    bounding = asyncio.create_task(exit_after(stop, 0.1, 3))
    if sys.argv[1] == "stubborn":
        task = asyncio.create_task(stubborn())
        await asyncio.sleep(0)
        stop.set()
        task.cancel()
        await asyncio.wait([task])
    stop.set()
    await asyncio.sleep(0)
    bounding.cancel()
    await asyncio.wait([bounding])
asyncio.run(run())
for thread in set(threading.enumerate()) - {threading.main_thread()}:
    thread.join()  # a timer that went on would end the process here
print("ended")
"""


@pytest.mark.parametrize(("kind", "code", "said"), [("stubborn", 3, "goes on\n"), ("ended", 0, "ended\n")])
def test_a_process_ends_in_bounded_time_after_its_stop(kind: str, code: int, said: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, kind], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout) == (code, said), ended.stderr
