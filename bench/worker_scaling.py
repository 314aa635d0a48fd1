"""How much more one machine decodes with two and four worker processes than with one.

The services run side by side and are asked in turn, so a run of each stands beside one of one worker; those
that have nothing to do cost next to nothing. Weak: a worker with several decoders
(RETAILPULSE_MEASURE_DECODERS) keeps several cores busy by itself, and leaves none for a second one to use.
"""

from contextlib import ExitStack

from bench.case_runner import Bench
from bench.cases import LARGE, MEDIUM, Case, find_case
from bench.figures import Figure, at_least
from bench.service import running_service
from retailpulse.domain.images import Depth

NAME = "workers"
COUNTS = (1, 2, 4)
CASES = (find_case(Depth.DECODE, LARGE), find_case(Depth.DECODE, MEDIUM))
TARGETS = {2: at_least(1.8)}


def measure(bench: Bench) -> list[Figure]:
    """Every decode-bound case."""
    return [figure for case in CASES for figure in _measure(bench, case)]


def _measure(bench: Bench, case: Case) -> list[Figure]:
    name = f"{NAME}, {case.name}"
    rates: dict[int, list[float]] = {workers: [] for workers in COUNTS}
    with ExitStack() as stack:
        bench.show(f"{name}: starting the services", 0)
        services = {n: stack.enter_context(running_service(n, bench.settings)) for n in COUNTS}
        images = {workers: bench.probe(case, service) for workers, service in services.items()}
        for number in range(bench.runs):
            words = f"{name}, run {number + 1} of {bench.runs}"
            for workers in COUNTS if number % 2 == 0 else reversed(COUNTS):
                run = bench.run(case, services[workers], images[workers], f"run{number}", words)
                rates[workers].append(run.images_per_second)
    return [_figure(name, workers, rates) for workers in COUNTS]


def _figure(name: str, workers: int, rates: dict[int, list[float]]) -> Figure:
    is_one = workers == 1
    return Figure(
        case=name,
        about=f"with {workers}",
        unit="/s",
        runs=rates[workers],
        limits=() if is_one else rates[1],
        limit_name="" if is_one else "one worker",
        target=TARGETS.get(workers),
    )
