"""What open tabs of the dashboard take from the workers: the rate with 200 that are kept live, beside none.

Both take turns in going first. The tabs are read by a process of their own on the same cores, which stands
for the machines of those who look: its CPU slows the workers by the clock, and adds nothing to what an image
costs the service. A run should last several rounds of looks at the pages.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench import accounting
from bench.case_runner import Bench, ServiceRun
from bench.cases import MEDIUM, SMALL, BenchFailed, Case, find_case
from bench.figures import Figure, Target, at_least
from bench.scratch_process import clean_environment
from bench.service import OURS, Service, running_service
from retailpulse.domain.images import Depth

NAME = "tabs"
TABS = 200
LOADS = (find_case(Depth.HEADER, SMALL), find_case(Depth.DECODE, MEDIUM))
TARGET = at_least(0.97)


@dataclass(kw_only=True, slots=True)
class Reading:
    """What the process that reads tabs has read and used while it was open."""

    cpu_seconds: float = 0.0
    news: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Runs:
    """Runs with tabs and without, side by side, and what each of the tabs' readers was about."""

    with_tabs: list[ServiceRun] = field(default_factory=list)
    without: list[ServiceRun] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)


def measure(bench: Bench) -> list[Figure]:
    """Under the most images a second, and under decoding; each on a fresh service."""
    return [figure for load in LOADS for figure in _measure(bench, load)]


def _measure(bench: Bench, load: Case) -> list[Figure]:
    name = f"{NAME}, {load.name}"
    bench.show(f"{name}: starting the service", 0)
    runs = Runs()
    with running_service(bench.cores, bench.settings) as service:
        images = bench.probe(load, service)
        for number in range(bench.runs):
            words = f"{name}, run {number + 1} of {bench.runs}"
            if number % 2 == 0:
                runs.without.append(bench.run(load, service, images, f"none{number}", words))
            with open_tabs(service, TABS) as reading:
                runs.with_tabs.append(bench.run(load, service, images, f"tabs{number}", words))
            runs.readings.append(reading)
            if number % 2 == 1:
                runs.without.append(bench.run(load, service, images, f"none{number}", words))
    return _figures(name, runs)


@contextmanager
def open_tabs(service: Service, count: int) -> Iterator[Reading]:
    """Keeps tabs open, each of which has had news, while the block runs."""
    command = (sys.executable, "-m", "bench.open_tabs", str(service.port), str(count))
    reading = Reading()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean_environment()
    ) as reader:
        if reader.stdout is None or reader.stdout.readline() != "ready\n":
            raise BenchFailed(f"the {count} tabs get no news")
        before = accounting.cpu_seconds({NAME: [reader.pid]})[NAME]
        yield reading
        reading.cpu_seconds = accounting.cpu_seconds({NAME: [reader.pid]})[NAME] - before
        told, _ = reader.communicate()
    if reader.returncode:
        raise BenchFailed("a tab was closed in the run")
    reading.news = json.loads(told)["news"]


def _figures(name: str, runs: Runs) -> list[Figure]:
    def figure(
        about: str, unit: str, value: Callable[[ServiceRun], float], target: Target | None = None
    ) -> Figure:
        return Figure(
            case=name,
            about=about,
            unit=unit,
            runs=list(map(value, runs.with_tabs)),
            limits=list(map(value, runs.without)),
            limit_name="no tab",
            target=target,
        )

    pairs = list(zip(runs.readings, runs.with_tabs, strict=True))
    return [
        figure(f"images with {TABS}", "/s", lambda run: run.images_per_second, TARGET),
        figure(f"images a CPU second with {TABS}", "", _images_per_cpu_second, TARGET),
        figure("CPU of the API", "ms/s", lambda run: _per_second(run, "api")),
        figure("CPU of PostgreSQL", "ms/s", lambda run: _per_second(run, "postgres")),
        Figure(
            case=name,
            about="CPU of the reader",
            unit="ms/s",
            runs=[1e3 * reading.cpu_seconds / run.seconds for reading, run in pairs],
        ),
        Figure(
            case=name,
            about="news to a tab",
            unit="/s",
            runs=[reading.news / TABS / run.seconds for reading, run in pairs],
        ),
    ]


def _images_per_cpu_second(run: ServiceRun) -> float:
    """By the CPU time of the service and its database: who reads the tabs, and the origin, do not count."""
    return 1e6 / sum(run.cpu_us_per_image[kind] for kind in (*OURS, "postgres"))


def _per_second(run: ServiceRun, kind: str) -> float:
    return run.cpu_us_per_image[kind] * run.images / run.seconds / 1e3
