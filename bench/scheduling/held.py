"""How many images workers hold beside those that they have in flight: what is held, nobody else can have.

Both are looked at many times from three seconds after the submit on, by one look after the other. A host of
50 ms may be held for 50 ms ahead, which is twice what it has in flight.
"""

import statistics
import time

from bench.figures import Figure, at_most
from bench.measuring import Bench
from bench.scheduling.stage import Stage, staged

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
            looks = [_look(stage) for _ in range(_LOOKS)]
        held.append(statistics.median(look[0] for look in looks))
        in_flight.append(statistics.median(look[1] for look in looks))
    return Figure(
        case=case, about="held", runs=held, limits=in_flight, limit_name="in flight", target=at_most(2)
    )


def _look(stage: Stage) -> tuple[int, int]:
    look = stage.held(), stage.in_flight()
    time.sleep(_BETWEEN_SECONDS)
    return look
