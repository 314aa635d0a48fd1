"""How soon the API answers while every worker is busy, beside how soon it does while they have nothing to do.

Idle and busy take turns in going first. A look needs a backlog that outlasts it; what is left of it is
cancelled. One client asks one thing at a time; only the rate of reads is taken over several connections.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count

from bench import limits
from bench.case_runner import Bench
from bench.cases import LARGE, SMALL, BenchFailed, Case, find_case
from bench.figures import Figure, Target, at_most
from bench.service import Service, running_service, write_job
from bench.timed_client import TimedClient, ask_for, p99, timed_client
from retailpulse.domain.images import Depth

NAME = "latency"
LOADS = (find_case(Depth.DECODE, SMALL), find_case(Depth.DECODE, LARGE))
_ONE = find_case(Depth.HEADER, SMALL)
TARGET = at_most(5)
"""How many times its idle p99 the busy one may be."""
SUBMIT_EVERY_SECONDS = 0.02
"""So that the images of these submits keep nobody busy."""
READ_CONNECTIONS = 4
_READS_SHARE, _SUBMITS_SHARE = 0.25, 0.75
_BACKLOG_SHARE, _TRIES = 3, 4
"""How many times as long as a look its backlog should last; twice as long at each further try."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """What one look at the API showed."""

    reads_per_second: float
    read_p99_ms: float
    submit_p99_ms: float


def measure(bench: Bench) -> list[Figure]:
    """Under decoding of small photos, and of large ones; each on a fresh service."""
    return [figure for load in LOADS for figure in _measure(bench, load)]


def _measure(bench: Bench, load: Case) -> list[Figure]:
    case = f"{NAME}, {load.name}"
    bench.show(f"{case}: starting the service", 0)
    idle: list[Answers] = []
    busy: list[Answers] = []
    with ExitStack() as stack:
        service = stack.enter_context(running_service(bench.cores, bench.settings))
        looks = _Looks(bench, load, service, stack.enter_context(timed_client(service.port)))
        looks.measure()  # warms up
        for number in range(bench.runs):
            bench.show(f"{case}, run {number + 1} of {bench.runs}", number / bench.runs)
            if number % 2 == 0:
                idle.append(looks.measure())
            busy.append(looks.measure_busy())
            if number % 2 == 1:
                idle.append(looks.measure())
    return _figures(case, idle, busy)


class _Looks:
    """Looks at the API of one service, idle and under one load."""

    def __init__(self, bench: Bench, load: Case, service: Service, client: TimedClient) -> None:
        self._bench = bench
        self._load = load
        self._service = service
        self._client = client
        self._numbers = count()
        self._images = bench.probe(load, service)
        done = service.run_job(self._write(load, 10), 10, lambda _: None)
        self._path = f"/api/status?jobid={done.job['job_id']}"

    def measure_busy(self) -> Answers:
        """Looks while a backlog is worked on."""
        for number in range(_TRIES):
            answers = self._measure_under_load(self._images * _BACKLOG_SHARE * 2**number)
            if answers is not None:
                return answers
        raise BenchFailed(f"{NAME}: the backlog ends before the look at the API does")

    def _measure_under_load(self, images: int) -> Answers | None:
        """Looks beside a job of so many images; None where it ended meanwhile."""
        job_id = self._service.submit(self._write(self._load, images))
        self._service.wait_until(lambda: self._service.job(job_id)["images"]["settled"] > 0)
        answers = self.measure()
        was_busy = self._service.job(job_id)["status"] == "ongoing"
        self._service.cancel(job_id)
        self._service.wait_until_idle()
        return answers if was_busy else None

    def measure(self) -> Answers:
        """Reads one after the other, then reads over several connections, then submits."""
        seconds = self._bench.seconds
        reads = ask_for(seconds * _READS_SHARE, lambda: self._client.get(self._path))
        rate = limits.read_rate(
            f"{self._service.url}{self._path}",
            connections=READ_CONNECTIONS,
            seconds=seconds * _READS_SHARE,
        )
        submits = ask_for(
            seconds * _SUBMITS_SHARE,
            lambda: self._client.submit(self._write(_ONE, 1)),
            every_seconds=SUBMIT_EVERY_SECONDS,
        )
        return Answers(
            reads_per_second=rate or len(reads) / sum(reads),
            read_p99_ms=1_000 * p99(reads),
            submit_p99_ms=1_000 * p99(submits),
        )

    def _write(self, case: Case, images: int) -> bytes:
        return write_job(case, self._bench.origin.photo_url(case.photo), images, f"look{next(self._numbers)}")


def _figures(case: str, idle: Sequence[Answers], busy: Sequence[Answers]) -> list[Figure]:
    def figure(about: str, unit: str, value: Callable[[Answers], float], target: Target | None) -> Figure:
        return Figure(
            case=case,
            about=about,
            unit=unit,
            runs=list(map(value, busy)),
            limits=list(map(value, idle)),
            limit_name="idle",
            target=target,
        )

    return [
        figure("status reads", "/s", lambda answers: answers.reads_per_second, None),
        figure("p99 of status", "ms", lambda answers: answers.read_p99_ms, TARGET),
        figure("p99 of submit 1", "ms", lambda answers: answers.submit_p99_ms, TARGET),
    ]
