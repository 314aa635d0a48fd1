"""A request that keeps the event loop of the API for ever: the API is killed, and another takes its place.

No fault that does this is known, so the API is poisoned from outside (`poison/sitecustomize.py`). That nobody
is blamed for a sleep of the machine, is in `test_poisoned_workers`.
"""

import os
import signal
from pathlib import Path

import httpx
import pytest

from tests.api.jobs import RunningApi
from tests.faults.postgres import embedded_url
from tests.faults.test_killed_apis import wait_until_it_answers
from tests.lifecycle.processes import Shop, submit
from tests.running import wait_for

STALL_SECONDS = 3
POISON = {
    "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "poison"), os.environ.get("PYTHONPATH", "")]),
    "RETAILPULSE_API_STALL_SECONDS": str(STALL_SECONDS),
}


def block(url: str) -> None:
    """Sends the request that is never answered, as whoever would answer it is killed."""
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{url}/blocker", timeout=60)


def test_an_api_whose_loop_stands_still_is_replaced_and_no_job_waits_for_it(shop: Shop) -> None:
    gate = shop.gate()
    running = shop.serve(workers=1, **POISON)
    job_id = submit(running, shop.photos(12, before=gate))
    before = running.pids()
    block(running.url)
    wait_for(lambda: running.pids()["api"] not in ([], before["api"]))
    wait_until_it_answers(running)
    gate.set()
    assert running.finished(job_id)["images"]["measured"] == 12
    assert running.pids()["worker"] == before["worker"]
    (victim,) = before["api"]
    stalled = f"the event loop of api (process {victim}) stalled for {STALL_SECONDS} s; it is killed"
    assert running.log().count(stalled) == running.log().count("stalled for") == 1
    shop.check_truth(job_id)


def test_an_api_that_nobody_watches_ends_by_itself(shop: Shop) -> None:
    shop.serve()
    api = RunningApi(shop.folder / "alone", embedded_url(shop.folder), POISON)
    api.wait_until_ready()
    block(api.url)
    assert api.process.wait(60) == -signal.SIGKILL
    assert "the event loop stalled for 3 s; this process ends" in api.log()
    api.stop()
