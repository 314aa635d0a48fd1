"""What goes on at a slow host after a job was cancelled: requests that begin, and those that stay open.

Times count from the moment in which the answer to the cancel was there.
"""

import time

from bench.case_runner import Bench
from bench.figures import Figure, at_most
from bench.scheduling.scheduling_env import staged

CASE = "cancel"
NAME = "scheduling-cancel"
LATENCY_MS, IMAGES = 2_000, 5_000
HEARD_SECONDS, CLOSED_SECONDS, WATCHED_SECONDS = 0.5, 1.0, 20.0
_WORK_SECONDS = 5.3


def measure(bench: Bench) -> list[Figure]:
    """A job of thousands of images, cancelled while its first ones are fetched."""
    runs = [_run(bench, number) for number in range(bench.runs)]
    late, in_flight, busy_seconds = ([run[place] for run in runs] for place in range(3))
    case = f"{CASE}, host of {LATENCY_MS:,} ms"
    return [
        Figure(
            case=case,
            about=f"requests after {HEARD_SECONDS:g} s",
            runs=late,
            target=at_most(0),
        ),
        Figure(
            case=case,
            about=f"in flight after {CLOSED_SECONDS:g} s",
            runs=in_flight,
            target=at_most(0),
        ),
        Figure(case=case, about="until none is", runs=busy_seconds, unit="s"),
    ]


def _run(bench: Bench, number: int) -> tuple[float, float, float]:
    bench.show(f"{CASE}, run {number + 1} of {bench.runs}", number / bench.runs)
    with staged(bench) as stage:
        job_id = stage.submit(stage.origin.urls(LATENCY_MS, "big", IMAGES))
        time.sleep(_WORK_SECONDS)
        stage.service.cancel(job_id)
        cancelled_at = time.monotonic()
        stage.wait_until(lambda: stage.in_flight() == 0, CLOSED_SECONDS)
        in_flight = stage.in_flight()
        stage.wait_until(lambda: stage.in_flight() == 0, WATCHED_SECONDS)
        busy_seconds = time.monotonic() - cancelled_at
        time.sleep(max(0.0, cancelled_at + WATCHED_SECONDS - time.monotonic()))
        late = sum(at > cancelled_at + HEARD_SECONDS for at, _ in stage.origin.arrivals())
    return late, in_flight, busy_seconds
