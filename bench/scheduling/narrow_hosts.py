"""Hosts that bear little: two connections and a reset for the rest, or one thread that keeps its connections.

Nothing is wrong with their photos, so that each one that is lost is our fault.
"""

from bench.case_runner import Bench
from bench.figures import Figure, at_most
from bench.scheduling.scheduling_env import staged

CASE = "narrow hosts"
NAME = "scheduling-narrow-hosts"
IMAGES, LATENCY_MS = 150, 50
PATIENCE_SECONDS = 240.0
KINDS = {"connections:2": "2 connections", "threads:1": "1 thread"}


def measure(bench: Bench) -> list[Figure]:
    """Each kind of them."""
    return [figure for manners in KINDS for figure in _measure(bench, manners)]


def _measure(bench: Bench, manners: str) -> list[Figure]:
    case = f"{CASE}, {KINDS[manners]}"
    lost: list[float] = []
    taken: list[float] = []
    for number in range(bench.runs):
        bench.show(f"{case}, run {number + 1} of {bench.runs}", number / bench.runs)
        with staged(bench, manners={0: manners}) as stage:
            job_id = stage.submit(stage.origin.urls(LATENCY_MS, "photo", IMAGES))
            taken.append(stage.ended_after(job_id, PATIENCE_SECONDS))
            lost.append(IMAGES - stage.service.job(job_id)["images"]["measured"])
    return [
        Figure(case=case, about=f"photos lost of {IMAGES}", runs=lost, target=at_most(0)),
        Figure(case=case, about="until settled", runs=taken, unit="s"),
    ]
