"""Jobs that want the same host: ten equal ones, and an urgent one among four others.

Jobs are submitted one after the other, and their ends are those that the service noted. Weak: the first jobs
have the host for the moment until the last is submitted.
"""

import time
from collections.abc import Sequence
from datetime import datetime

from bench.case_runner import Bench
from bench.figures import Figure, at_most
from bench.scheduling.scheduling_env import CAP, Stage, staged

CASE = "fairness"
NAME = "scheduling-fairness"
EQUAL_JOBS, EQUAL_IMAGES, EQUAL_MS = 10, 500, 50
OTHERS, OTHER_IMAGES, URGENT_IMAGES, URGENT_MS, URGENT_PRIORITY = 4, 2_000, 200, 200, 50
PATIENCE_SECONDS = 300.0
_ALONE_SECONDS = URGENT_IMAGES * URGENT_MS / 1_000 / CAP


def measure(bench: Bench) -> list[Figure]:
    """Both, on a fresh service each."""
    spreads: list[float] = []
    shares: list[float] = []
    times: list[float] = []
    for number in range(bench.runs):
        words = f"{CASE}, run {number + 1} of {bench.runs}"
        bench.show(f"{words}: equal jobs", number / bench.runs)
        with staged(bench) as stage:
            spreads.append(_spread(stage))
        bench.show(f"{words}: an urgent job", number / bench.runs)
        with staged(bench) as stage:
            share, seconds = _urgent(stage)
        shares.append(share)
        times.append(seconds / _ALONE_SECONDS)
    return _figures(spreads, shares, times)


def _figures(spreads: Sequence[float], shares: Sequence[float], times: Sequence[float]) -> list[Figure]:
    urgent = f"priority {URGENT_PRIORITY} among {OTHERS} of 0"
    return [
        Figure(
            case=f"{CASE}, {EQUAL_JOBS} equal jobs",
            about="spread of ends",
            runs=spreads,
            target=at_most(0.05),
        ),
        Figure(case=urgent, about="others' share", runs=shares, target=at_most(0.05)),
        Figure(case=urgent, about="of its time alone", runs=times, unit="x"),
    ]


def _spread(stage: Stage) -> float:
    """Between the first end and the last, as a part of the time from the first submit to the last end."""
    jobs = [stage.submit(stage.origin.urls(EQUAL_MS, f"job-{n}", EQUAL_IMAGES)) for n in range(EQUAL_JOBS)]
    for job_id in jobs:
        stage.ended_after(job_id, PATIENCE_SECONDS)
    told = [stage.service.job(job_id) for job_id in jobs]
    ends = [datetime.fromisoformat(job["finished_at"]) for job in told]
    began = min(datetime.fromisoformat(job["submitted_at"]) for job in told)
    return (max(ends) - min(ends)) / (max(ends) - began)


def _urgent(stage: Stage) -> tuple[float, float]:
    """The part of the requests that others made between the urgent job's first and last, and its seconds."""
    for number in range(OTHERS):
        stage.submit(stage.origin.urls(URGENT_MS, f"other-{number}", OTHER_IMAGES))
    time.sleep(3.0)
    seconds = stage.ended_after(
        stage.submit(stage.origin.urls(URGENT_MS, "urgent", URGENT_IMAGES), URGENT_PRIORITY), PATIENCE_SECONDS
    )
    arrivals = stage.origin.arrivals()
    ours = [at for at, path in arrivals if "/urgent-" in path]
    others = sum(min(ours) < at < max(ours) and "/other-" in path for at, path in arrivals) if ours else 0
    return others / max(1, others + len(ours)), seconds
