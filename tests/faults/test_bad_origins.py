"""A big job of photos on broken and malicious hosts: a small job behind it does not wait, and it ends itself.

Promises: a big job does not starve a small one; recovery is bounded. Which cause each trick must come to is
shown in tests/hostile.
"""

from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import pytest

from tests.hostile import NETWORK, HostileOrigin
from tests.lifecycle.processes import Shop, submit

TRICKS = (
    "drip",
    "slow-body",
    "slow-headers",
    "endless-headers",
    "hang-on-accept",
    "hang-after-request",
    "hang-in-body",
    "black-hole",
    "reset-on-accept",
    "redirect-loop",
    "endless-chunked",
    "ten-gigabytes",
    "throttled",
    "unavailable",
)
WITNESSES = ("drip", "hang-after-request", "throttled")
"""Hosts that are known to hold transfers, or to send them away, when the small job comes."""
LIMITS = {
    "RETAILPULSE_FETCH_ALLOWED_NETWORKS": f"127.0.0.1/32,{NETWORK}",
    "RETAILPULSE_FETCH_TIMEOUT_SECONDS": "4",
    "RETAILPULSE_FETCH_STALL_SECONDS": "1",
    "RETAILPULSE_FETCH_CONNECT_TIMEOUT_SECONDS": "1",
    "RETAILPULSE_FETCH_DEADLINE_SECONDS": "6",
    "RETAILPULSE_FETCH_MAX_BODY_BYTES": "2000000",
}
BIG, SMALL = 840, 40


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[HostileOrigin]:
    with HostileOrigin(tmp_path) as origin:
        yield origin


@pytest.mark.slow
def test_a_small_job_is_done_long_before_a_big_one_of_bad_origins(shop: Shop, hostile: HostileOrigin) -> None:
    """Both bounds are those of the rows: nothing is timed."""
    running = shop.serve(workers=2, **LIMITS)
    names = islice(cycle(TRICKS), BIG)
    big = submit(running, [hostile.url(name, f"{number}.jpg") for number, name in enumerate(names)])
    hostile.wait_until(lambda: all(hostile.seen(name).connections for name in WITNESSES))
    small = submit(running, shop.photos(SMALL))
    assert running.finished(small)["images"]["measured"] == SMALL
    settled = running.job(big)["images"]["settled"]
    assert settled < BIG / 2, f"the big job had {settled} of {BIG} images settled"
    assert running.finished(big)["images"] == {
        "total": BIG,
        "settled": BIG,
        "measured": 0,
        "failed": BIG,
        "cancelled": 0,
    }
    shop.check_truth(big, small)
    assert max(shop.requests().values()) == 1
