"""One image at a slow host behind a job of 5,000: how many latencies until it is done, ten times in a row.

It comes at other moments of the big job's rounds each time. Weak: who does not get it within a minute is
given up, so that the figure is a lower bound there.
"""

import time

from bench.case_runner import Bench
from bench.figures import Figure, at_most
from bench.scheduling.scheduling_env import Stage, staged

CASE = "urgent"
NAME = "scheduling-urgent"
LATENCY_MS, IMAGES, TIMES = 2_000, 5_000, 10
PATIENCE_SECONDS = 60.0
_STEP_SECONDS = 0.37
TARGETS = {100: at_most(2), 0: at_most(3)}
"""Latencies, by priority: one until a slot is free and one of its own; equal jobs take turns."""


def measure(bench: Bench) -> list[Figure]:
    """With the highest priority, and with that of the big job."""
    return [figure for priority in TARGETS for figure in _measure(bench, priority)]


def _measure(bench: Bench, priority: int) -> list[Figure]:
    case = f"{CASE}, priority {priority}, latencies"
    bench.show(f"{case}: starting the service", 0)
    with staged(bench) as stage:
        stage.submit(stage.origin.urls(LATENCY_MS, "big", IMAGES))
        time.sleep(3.0)
        taken = [_one(bench, stage, case, number, priority) for number in range(TIMES)]
    return [
        Figure(case=case, about=f"each of {TIMES}", runs=taken, unit="x"),
        Figure(
            case=case,
            about=f"worst of {TIMES}",
            runs=[max(taken)],
            unit="x",
            target=TARGETS[priority],
        ),
    ]


def _one(bench: Bench, stage: Stage, case: str, number: int, priority: int) -> float:
    bench.show(f"{case}, image {number + 1} of {TIMES}", number / TIMES)
    time.sleep(_STEP_SECONDS * (number % 5))
    job_id = stage.submit([stage.origin.url(LATENCY_MS, f"one-{number}")], priority)
    return stage.ended_after(job_id, PATIENCE_SECONDS) / (LATENCY_MS / 1_000)
