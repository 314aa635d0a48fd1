"""Many small jobs behind a big one: they end long before it does.

Promise: a big job does not starve a small one.
"""

from collections.abc import Callable

import pytest

from tests.faults.breaking import ask
from tests.lifecycle.processes import Shop, submit


@pytest.mark.slow
def test_small_jobs_end_while_a_big_one_before_them_has_hardly_begun(
    shop: Shop, lasting: Callable[[float, float], float]
) -> None:
    """Measured by what the big job had settled when the last of the small ones ended."""
    big_images, small_jobs = int(lasting(5_000, 100_000)), int(lasting(50, 1_000))
    gate = shop.gate()
    running = shop.serve(workers=2)
    big = submit(running, shop.photos(big_images, before=gate))
    shop.wait_for_requests(16)
    small = [submit(running, shop.photos(1)) for _ in range(small_jobs)]
    gate.set()
    for job_id in small:
        running.finished(job_id)
    running.finished(big, lasting(90, 3_600))
    ((settled,),) = ask(
        shop,
        "SELECT count(*) FROM results WHERE job_id = %s"
        " AND settled_at < (SELECT max(finished_at) FROM jobs WHERE job_id = ANY(%s))",
        big,
        small,
    )
    assert settled < big_images / 5
    shop.check_truth(big, *small)
