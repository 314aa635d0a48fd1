"""How many images workers hold beside those that they have in flight: what is held, nobody else can have.

Held is what was taken and not answered yet. Both are looked at many times from three seconds after the submit
on, one after the other. Of a host of 50 ms as much may be taken as it answers in 50 ms: that in flight.
"""

import statistics
import time

from bench.case_runner import Bench
from bench.figures import Figure, at_most
from bench.scheduling.scheduling_env import Stage, staged

CASE = "held"
NAME = "scheduling-held"
IMAGES = {2_000: 5_000, 50: 20_000}
"""Images of the job by the latency of its host in milliseconds."""
_SETTLE_IN_SECONDS, _LOOKS, _BETWEEN_SECONDS = 3.0, 20, 0.1


def measure(bench: Bench) -> list[Figure]:
    """One job at one host, once slow and once fairly fast."""
    return [_measure(bench, latency_ms) for latency_ms in IMAGES]


def _measure(bench: Bench, latency_ms: int) -> Figure:
    case = f"{CASE}, host of {latency_ms:,} ms"
    held: list[float] = []
    in_flight: list[float] = []
    for number in range(bench.runs):
        bench.show(f"{case}, run {number + 1} of {bench.runs}", number / bench.runs)
        with staged(bench) as stage:
            stage.submit(stage.origin.urls(latency_ms, "big", IMAGES[latency_ms]))
            time.sleep(_SETTLE_IN_SECONDS)
            looks = [_look(stage, IMAGES[latency_ms]) for _ in range(_LOOKS)]
        held.append(statistics.median(look[0] for look in looks))
        in_flight.append(statistics.median(look[1] for look in looks))
    return Figure(
        case=case, about="held", runs=held, limits=in_flight, limit_name="in flight", target=at_most(2)
    )


def _look(stage: Stage, images: int) -> tuple[int, int]:
    in_line, count = stage.in_line(), stage.origin.count()
    time.sleep(_BETWEEN_SECONDS)
    return images - in_line - count.answered, count.in_flight
