"""Who waits for what: priorities, fair shares, cancelled jobs, slow hosts and many, workers at one host.

Every case plays on the slow origin (`tests.slow_origin`), which counts what it is asked and when.
"""

from collections.abc import Callable, Mapping

from bench.case_runner import Bench
from bench.figures import Figure
from bench.scheduling import (
    cancelled,
    fairness,
    fleet,
    held,
    idle_host,
    many_hosts,
    narrow_hosts,
    slow_hosts,
    steady_cost,
    urgent,
)

_CASES = (
    held,
    urgent,
    idle_host,
    cancelled,
    fairness,
    fleet,
    narrow_hosts,
    slow_hosts,
    many_hosts,
    steady_cost,
)
SCHEDULING: Mapping[str, Callable[[Bench], list[Figure]]] = {module.NAME: module.measure for module in _CASES}
