"""Every trick and hostile file of the catalogue in one job with good photos: what do the good ones lose?

Each run has a fresh service at default settings: the good ones alone, among the hostile, and alone again.
Weak: the hostile origin, nginx and the bench use the same cores, and what they use is lost to the photos.
"""

import statistics
import time
from collections import Counter
from dataclasses import dataclass
from types import TracebackType

import httpx
from tests.hostile import HostileOrigin

from bench import accounting
from bench.cases import LARGE, MEDIUM, BenchFailed, Photo
from bench.figures import Figure, at_least, at_most
from bench.hostile.hostile_env import HostileEnv, JobOutcome, evenly, hostile_origin, unexpected
from bench.sampler import Sampler
from bench.service import Service

NAME = "attack"
GOOD, WARM = 2_000, 200
RATE_LIMIT = 0.9
"""What part of their usual rate the good ones must keep."""
MEMORY_LIMIT_MB = 1_500
LOSSES_LIMIT = 3
_LOOK_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What one run showed."""

    usual: float
    beside: float
    peak_mb: float
    ready: "Readiness"
    lost: int
    whole_seconds: float
    wrong: Counter[str]


class Readiness(Sampler):
    """Asks for readiness again and again while its context lasts."""

    def __init__(self, service: Service) -> None:
        super().__init__(_LOOK_SECONDS)
        self._http = httpx.Client(base_url=service.url, timeout=30, trust_env=False)
        self.asked = self.refused = 0
        self.slowest_seconds = 0.0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._http.close()

    def sample(self) -> None:
        """Asks once."""
        began = time.perf_counter()
        self.asked += 1
        self.refused += not self._is_ready()
        self.slowest_seconds = max(self.slowest_seconds, time.perf_counter() - began)

    def _is_ready(self) -> bool:
        try:
            return self._http.get("/health/ready").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


class Losses:
    """The processes of the service, looked at again and again: how many workers took the place of others."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._workers = {*service.kinds()["worker"]}
        self._first = len(self._workers)

    def pids(self) -> list[int]:
        """All processes of this moment, PostgreSQL too."""
        kinds = self._service.kinds()
        self._workers |= {*kinds["worker"]}
        return [pid for pids in kinds.values() for pid in pids]

    @property
    def count(self) -> int:
        """How many workers were lost since the first look."""
        return len(self._workers) - self._first


def measure(env: HostileEnv) -> list[Figure]:
    """Among good photos of two sizes."""
    with hostile_origin() as hostile:
        make_all(hostile)
        return [figure for photo in (LARGE, MEDIUM) for figure in _measure(env, hostile, photo)]


def make_all(hostile: HostileOrigin) -> None:
    """Have the origin make its files, which it does at the first request for each."""
    with httpx.Client(timeout=60, trust_env=False) as http:
        for name in hostile.tricks:
            if name.startswith(("file-", "bomb-", "png-")):
                http.get(hostile.url(name, "made.jpg")).raise_for_status()


def _measure(env: HostileEnv, hostile: HostileOrigin, photo: Photo) -> list[Figure]:
    case = f"{NAME}, {photo.name}"
    runs = [
        _run(env, hostile, photo, f"{case}, run {number + 1} of {env.runs}") for number in range(env.runs)
    ]
    wrong = sum((run.wrong for run in runs), Counter())
    return [
        Figure(
            case=case,
            about="good ones",
            unit="/s",
            runs=[run.beside for run in runs],
            limits=[run.usual for run in runs],
            limit_name="alone",
            target=at_least(RATE_LIMIT),
        ),
        Figure(
            case=case,
            about="peak memory of all",
            unit="MB",
            runs=[run.peak_mb for run in runs],
            target=at_most(MEMORY_LIMIT_MB),
        ),
        Figure(case=case, about="not ready", runs=[run.ready.refused for run in runs], target=at_most(0)),
        Figure(case=case, about="asked", runs=[run.ready.asked for run in runs]),
        Figure(case=case, about="slowest answer", unit="s", runs=[run.ready.slowest_seconds for run in runs]),
        Figure(
            case=case, about="workers lost", runs=[run.lost for run in runs], target=at_most(LOSSES_LIMIT)
        ),
        Figure(case=case, about="the whole job", unit="s", runs=[run.whole_seconds for run in runs]),
        *(
            Figure(case=case, about=words, runs=[count], target=at_most(0))
            for words, count in (wrong or {"results other than the catalogue's": 0}).items()
        ),
    ]


def _run(env: HostileEnv, hostile: HostileOrigin, photo: Photo, words: str) -> Run:
    bad = {hostile.url(name): trick for name, trick in hostile.tricks.items()}
    good = env.good_urls(GOOD, "beside", photo)
    with env.service(hostile) as service:
        env.run(service, env.good_urls(WARM, "warm", photo), f"{words}: warming up")
        losses = Losses(service)
        with (
            Readiness(service) as ready,
            accounting.PeakMemory(losses.pids, look_seconds=_LOOK_SECONDS) as memory,
        ):
            before = env.run(service, env.good_urls(GOOD, "before", photo), f"{words}: good ones alone")
            both = env.run(service, evenly(good, list(bad)), f"{words}: all")
            after = env.run(service, env.good_urls(GOOD, "after", photo), f"{words}: good ones alone")
    return Run(
        usual=statistics.mean(map(_rate, (_measured_all(before), _measured_all(after)))),
        beside=GOOD / both.settled_seconds(lambda result: result["image_url"] not in bad),
        peak_mb=memory.peak_bytes / 1e6,
        ready=ready,
        lost=losses.count,
        whole_seconds=both.ended.seconds,
        wrong=unexpected(both, bad),
    )


def _measured_all(told: JobOutcome) -> JobOutcome:
    if told.ended.job["images"]["failed"]:
        raise BenchFailed(f"good photos failed: {told.ended.job['causes']}")
    return told


def _rate(told: JobOutcome) -> float:
    return len(told.results) / told.settled_seconds()
