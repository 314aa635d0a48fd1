"""How fast images are settled, and what memory is held, while few or very many others wait behind them.

Each run first fills up the backlog through the API, while the workers work, and then times the same number of
images. The fewest come first and last on a service of their own, so that a drift of the machine shows.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, LiteralString

import psycopg

from bench.accounting import PeakMemory
from bench.case_runner import Bench
from bench.cases import SMALL, BenchFailed, find_case
from bench.figures import Figure, Target, at_least, at_most
from bench.service import Service, running_service, write_job
from retailpulse.domain.images import Depth

NAME = "backlog"
FEWEST, MOST = 1_000, 1_000_000
WAITING = (FEWEST, 100_000, MOST)
FEWEST_PER_JOB, MOST_PER_JOB = 2_000, 20_000
"""So that a backlog is reached also while it is worked off."""
RATE_TARGETS = {MOST: at_least(0.9)}
MEMORY_TARGETS = {MOST: at_most(1.1)}
"""Not growing, but for what one run differs from the next."""
_CASE = find_case(Depth.HEADER, SMALL)
_LEAD_SHARE = 0.1
"""Of the images that are timed: so many are settled first, so that every run begins in full swing."""
_MARGIN_IMAGES = 10_000
"""What may be settled between one look and the next."""
_LOOK_SECONDS = 0.02
_PATIENCE_SECONDS = 600.0
_SETTLED = "SELECT coalesce(sum(measured), 0) FROM jobs"
_WAITING = "SELECT coalesce(sum(images - measured - failed), 0) FROM jobs"


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What one run showed."""

    images_per_second: float
    peak_bytes: int


def measure(bench: Bench) -> list[Figure]:
    """Every size of backlog; a run of one is compared with the runs of the fewest before and after."""
    bench.show(f"{NAME}: how many images take so long", 0)
    with running_service(bench.cores, bench.settings) as service:
        images = bench.probe(_CASE, service)
    runs = {waiting: _measure(bench, waiting, images) for waiting in WAITING}
    again = _measure(bench, FEWEST, images)
    fewest = [
        Run(
            images_per_second=statistics.mean(run.images_per_second for run in pair),
            peak_bytes=max(run.peak_bytes for run in pair),
        )
        for pair in zip(runs[FEWEST], again, strict=True)
    ]
    return [
        figure
        for waiting in WAITING
        for figure in _figures(waiting, fewest if waiting == FEWEST else runs[waiting], fewest)
    ]


def _measure(bench: Bench, waiting: int, images: int) -> list[Run]:
    """All runs on a fresh service."""
    words = f"{NAME} {waiting:,}"
    bench.show(f"{words}: starting the service", 0)
    with running_service(bench.cores, bench.settings) as service, service.database() as connection:
        pile = _BacklogFiller(bench, service, connection)
        found = []
        for number in range(bench.runs):
            pile.fill_to(waiting + _MARGIN_IMAGES + round(images * (1 + _LEAD_SHARE)), words)
            bench.show(f"{words}, run {number + 1} of {bench.runs}", number / bench.runs)
            pile.wait_for(round(images * _LEAD_SHARE))
            with PeakMemory(service.pids) as memory:
                rate = pile.wait_for(images)
            found.append(Run(images_per_second=rate, peak_bytes=memory.peak_bytes))
            if pile.count(_WAITING) < waiting:
                raise BenchFailed(f"{words}: the backlog was worked off faster than it could be filled up")
    return found


class _BacklogFiller:
    """The images of one service that wait, and how fast they become fewer."""

    def __init__(self, bench: Bench, service: Service, connection: "psycopg.Connection[Any]") -> None:
        self._bench = bench
        self._service = service
        self._connection = connection
        self._jobs = count()

    def fill_to(self, wanted: int, words: str) -> None:
        """Submits jobs until so many images wait, or a few more."""
        url = self._bench.origin.photo_url(_CASE.photo)
        while (missing := wanted - self.count(_WAITING)) > 0:
            images = max(FEWEST_PER_JOB, min(missing, MOST_PER_JOB))
            self._service.submit(write_job(_CASE, url, images, f"pile{next(self._jobs)}"))
            self._bench.show(f"{words}: filling up", 1 - missing / wanted)

    def wait_for(self, images: int) -> float:
        """Waits until so many more are settled; how many were it per second."""
        first, began = self.count(_SETTLED), time.perf_counter()
        until = began + _PATIENCE_SECONDS
        while (settled := self.count(_SETTLED) - first) < images:
            if time.perf_counter() > until or self._service.scratch.ended():
                raise BenchFailed(f"the backlog does not get less:\n{self._service.scratch.log_end()}")
            time.sleep(_LOOK_SECONDS)
        return settled / (time.perf_counter() - began)

    def count(self, which: LiteralString) -> int:
        """How many images are settled, or wait."""
        ((number,),) = self._connection.execute(which).fetchall()
        return int(number)


def _figures(waiting: int, runs: Sequence[Run], fewest: Sequence[Run]) -> list[Figure]:
    def figure(about: str, unit: str, value: Callable[[Run], float], target: Target | None) -> Figure:
        return Figure(
            case=f"{NAME} {waiting:,}",
            about=about,
            unit=unit,
            runs=list(map(value, runs)),
            limits=[] if waiting == FEWEST else list(map(value, fewest)),
            limit_name="" if waiting == FEWEST else f"{FEWEST:,}",
            target=target,
        )

    return [
        figure("images", "/s", lambda run: run.images_per_second, RATE_TARGETS.get(waiting)),
        figure("peak memory", "MB", lambda run: run.peak_bytes / 1e6, MEMORY_TARGETS.get(waiting)),
    ]
