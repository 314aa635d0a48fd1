"""One image at a host that nobody else asks, each time a new one, while a large job keeps another busy."""

import statistics

from bench.case_runner import Bench
from bench.figures import Figure, at_most
from bench.scheduling.scheduling_env import Stage, staged
from bench.timed_client import p99

CASE = "idle host"
NAME = "scheduling-idle-host"
LATENCY_MS, IMAGES, TIMES = 50, 20_000, 100
PATIENCE_SECONDS = 30.0
_MOST_SECONDS = 180.0
"""After so many in all no further one is submitted."""
_BUSY = 0


def measure(bench: Bench) -> list[Figure]:
    """A hundred of them, one after the other."""
    bench.show(f"{CASE}: starting the service", 0)
    with staged(bench, hosts=TIMES + 1) as stage:
        taken = _measure(bench, stage)
    case = f"{CASE}, both of {LATENCY_MS} ms"
    return [
        Figure(case=case, about="median", runs=[statistics.median(taken)], unit="s"),
        Figure(case=case, about=f"p99 of {len(taken)}", runs=[p99(taken)], unit="s", target=at_most(1)),
    ]


def _measure(bench: Bench, stage: Stage) -> list[float]:
    taken: list[float] = []
    job_id = ""
    while len(taken) < TIMES and sum(taken) < _MOST_SECONDS:
        bench.show(f"{CASE}, image {len(taken) + 1} of {TIMES}", len(taken) / TIMES)
        if not job_id or _left(stage, job_id) < IMAGES / 4:
            name = f"big-{len(taken)}"
            job_id = stage.submit(stage.origin.urls(LATENCY_MS, name, IMAGES, hosts=[_BUSY]))
            stage.wait_until(lambda: stage.in_flight() > 0, PATIENCE_SECONDS)
        number = len(taken) + 1
        one = stage.submit([stage.origin.url(LATENCY_MS, "one", host=number)])
        taken.append(stage.ended_after(one, PATIENCE_SECONDS))
    return taken


def _left(stage: Stage, job_id: str) -> int:
    images = stage.service.job(job_id)["images"]
    return int(images["total"] - images["settled"])
