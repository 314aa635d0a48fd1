"""Workers leave the cores to whoever asks: the API and PostgreSQL have a higher priority than they have."""

import os

from tests.lifecycle.processes import Shop


def test_workers_have_a_lower_priority_than_the_api(shop: Shop) -> None:
    pids = shop.serve(workers=1).pids()
    (api,), (worker,) = pids["api"], pids["worker"]
    assert os.getpriority(os.PRIO_PROCESS, worker) > os.getpriority(os.PRIO_PROCESS, api)
