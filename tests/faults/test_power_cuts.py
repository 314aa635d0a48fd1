"""Every process ends at once, the database included: what was accepted is there afterwards, and ends.

Weak: the kernel lives on, so what PostgreSQL promises of its disk is only checked as a setting.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from tests.faults.postgres import ask, embedded_url
from tests.faults.submitting import Submitter, wait_until_ended
from tests.lifecycle.processes import Shop, kill_all, submit
from tests.running import RunningService, wait_for

pytestmark = pytest.mark.timeout(900)  # the long forms last
NEEDED = ("fsync", "full_page_writes", "synchronous_commit")


@pytest.mark.slow
def test_the_power_cut_under_load_again_and_again(
    shop: Shop, lasting: Callable[[float, float], float]
) -> None:
    """Accepted means on disk, every image ends with exactly one result, repeated work is bounded."""
    settled: list[str] = []
    accepted: list[str] = []
    submitters: list[Submitter] = []
    for _ in range(round(lasting(2, 30))):
        running = shop.serve(workers=2)
        gate, done = shop.gate(), shop.photos(10)
        settled += done
        accepted.append(submit(running, [*done, *shop.photos(10, before=gate)]))
        wait_until_settled(running, accepted[-1], 10)
        submitters.append(Submitter(running.url, shop.photos))
        with submitters[-1].at_work():
            submitters[-1].wait_until_accepted(10)
            accepted.append(submit(running, shop.photos(3)))
            kill_all(shop.folder)
        gate.set()
    running = shop.serve(workers=2)
    url = embedded_url(shop.folder)
    assert [submitter.lost(url) for submitter in submitters] == [set()] * len(submitters)
    for submitter in submitters:  # what was not confirmed is there as a whole or not at all
        accepted += [*submitter.accepted(), *submitter.with_unknown_commit(url)]
    wait_until_ended(running, accepted)
    shop.check_truth(*accepted)
    requests = shop.requests()
    assert {requests[urlsplit(photo).path] for photo in settled} == {1}
    found = ask(url, "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", list(NEEDED))
    assert dict(found) == dict.fromkeys(NEEDED, "on")


def wait_until_settled(running: RunningService, job_id: str, images: int) -> None:
    """Waits until so many images of a job have their result."""
    wait_for(lambda: running.job(job_id)["images"]["settled"] == images)
