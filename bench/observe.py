"""What it costs to be observed: metrics read, logs as JSON, traces exported, beside a service without.

The two services run side by side and take turns in going first; the one that waits costs next to nothing.
One job in a hundred is recorded, so that most runs have none: what is seen then is that each is asked whether
it is. Weak: what a service counts for metrics it counts in both.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench.case_runner import Bench, ServiceRun
from bench.cases import MEDIUM, SMALL, BenchFailed, Case, find_case
from bench.figures import Figure, at_least
from bench.observing import TraceReceiver, reading_metrics, receiving_traces
from bench.service import OURS, Service, running_service, write_submit
from retailpulse.domain.images import Depth

NAME = "observe"
LOADS = (find_case(Depth.HEADER, SMALL), find_case(Depth.DECODE, MEDIUM))
TARGET = at_least(0.97)
_SILENT = {"RETAILPULSE_LOG_LEVEL": "ERROR", "OTEL_SDK_DISABLED": "true"}
_RECORDED = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
_LOUD = {"RETAILPULSE_LOG_LEVEL": "INFO", "RETAILPULSE_LOG_FORMAT": "json"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Runs:
    """Runs that were observed and runs that were not, side by side."""

    observed: list[ServiceRun] = field(default_factory=list)
    silent: list[ServiceRun] = field(default_factory=list)


def measure(bench: Bench) -> list[Figure]:
    """Under the most images a second, and under decoding; each on fresh services."""
    return [figure for load in LOADS for figure in _measure(bench, load)]


def _measure(bench: Bench, load: Case) -> list[Figure]:
    name, runs = f"{NAME}, {load.name}", Runs()
    bench.show(f"{name}: starting the services", 0)
    with ExitStack() as stack:
        receiver = stack.enter_context(receiving_traces())
        loud = {**bench.settings, **_LOUD, **receiver.environment}
        observed = stack.enter_context(running_service(bench.cores, loud))
        silent = stack.enter_context(running_service(bench.cores, {**bench.settings, **_SILENT}))
        _trace_one(bench, load, observed, receiver)
        images = bench.probe(load, observed)
        bench.probe(load, silent)
        for number in range(bench.runs):
            words = f"{name}, run {number + 1} of {bench.runs}"
            if number % 2 == 0:
                runs.silent.append(bench.run(load, silent, images, f"silent{number}", words))
            runs.observed.append(_observed(bench, load, observed, images, number, words))
            if number % 2 == 1:
                runs.silent.append(bench.run(load, silent, images, f"silent{number}", words))
    return _figures(name, runs)


def _trace_one(bench: Bench, load: Case, service: Service, receiver: TraceReceiver) -> None:
    """Sees that a job is exported, by one whose sender records it."""
    body = write_submit([bench.origin.photo_url(load.photo)], load.depth)
    service.http.post("/api/v1/jobs", content=body, headers={"traceparent": _RECORDED}).raise_for_status()
    service.wait_until(lambda: receiver.received_bytes > 0)


def _observed(bench: Bench, load: Case, service: Service, images: int, number: int, words: str) -> ServiceRun:
    with reading_metrics(service.url):
        run = bench.run(load, service, images, f"observed{number}", words)
    if "job accepted" not in service.scratch.log_end():
        raise BenchFailed(f"the observed service logs no job:\n{service.scratch.log_end()}")
    return run


def _figures(name: str, runs: Runs) -> list[Figure]:
    def figure(about: str, unit: str, value: Callable[[ServiceRun], float], has_target: bool) -> Figure:
        return Figure(
            case=name,
            about=about,
            unit=unit,
            runs=list(map(value, runs.observed)),
            limits=list(map(value, runs.silent)),
            limit_name="not observed",
            target=TARGET if has_target else None,
        )

    return [
        figure("images", "/s", lambda run: run.images_per_second, has_target=True),
        figure("images a CPU second", "", _images_per_cpu_second, has_target=True),
        figure("CPU of the API", "us", lambda run: run.cpu_us_per_image["api"], has_target=False),
        figure("CPU of workers", "us", lambda run: run.cpu_us_per_image["worker"], has_target=False),
        figure("CPU of PostgreSQL", "us", lambda run: run.cpu_us_per_image["postgres"], has_target=False),
    ]


def _images_per_cpu_second(run: ServiceRun) -> float:
    """By the CPU time of the service and its database alone."""
    return 1e6 / sum(run.cpu_us_per_image[kind] for kind in (*OURS, "postgres"))
