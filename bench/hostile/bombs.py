"""Bodies and pictures that are far too large: how much memory do they take, and is it the same for many?

Each kind gets a fresh service, which first measures good photos. Memory is looked at ten times a second.
Weak: what the kernel holds for sockets, and a body laid down for a decoder, is in no process's figure.
"""

from tests.hostile import MEASURED, HostileOrigin, Trick

from bench import accounting
from bench.cases import BenchFailed
from bench.figures import Figure, at_most
from bench.hostile.hostile_env import HostileEnv, JobOutcome, hostile_origin
from bench.service import Service

NAME = "bombs"
FEW, MANY = 200, 1_000
GROWTH_LIMIT = 1.2
"""How many times the peak of the few the peak of the many may be."""
_KINDS = ("ten-gigabytes", "endless-chunked", "gzip-bomb", "png-bomb")
_HEAVY, _HEAVY_MANY = "png-huge", 20
_LOOK_SECONDS = 0.1


def measure(env: HostileEnv) -> list[Figure]:
    """Every kind of bomb."""
    with hostile_origin() as hostile:
        light = [figure for kind in _KINDS for figure in _measure(env, hostile, kind, FEW, MANY)]
        return light + _measure(env, hostile, _HEAVY, _HEAVY_MANY // 5, _HEAVY_MANY)


def _measure(env: HostileEnv, hostile: HostileOrigin, kind: str, few: int, many: int) -> list[Figure]:
    case, trick = f"{NAME}, {kind}", hostile.tricks[kind]
    with env.service(hostile) as service:
        good, _ = _peak(env, service, env.good_urls(MANY, "good"), None, f"{case}: good photos")
        peaks = []
        for count in (few, many):
            urls = [hostile.url(kind, f"{count}-{number}.jpg") for number in range(count)]
            peaks.append(_peak(env, service, urls, trick, f"{case}: {count}"))
    (low, _), (high, told) = peaks
    return [
        Figure(case=case, about=f"peak of {MANY:,} good photos", runs=[good], unit="MB"),
        Figure(case=case, about=f"peak of {few:,}", runs=[low], unit="MB"),
        Figure(case=case, about=f"peak of {many:,}", runs=[high], unit="MB"),
        Figure(
            case=case,
            about=f"{many:,} over {few:,}",
            runs=[high / low],
            unit="x",
            target=at_most(GROWTH_LIMIT),
        ),
        Figure(case=case, about="over the good ones", runs=[high / good], unit="x"),
        Figure(case=case, about="the job of the many", runs=[told.ended.seconds], unit="s"),
        Figure(case=case, about="other causes than expected", runs=[_others(told, trick)], target=at_most(0)),
    ]


def _peak(
    env: HostileEnv, service: Service, urls: list[str], trick: Trick | None, words: str
) -> tuple[float, JobOutcome]:
    """The most memory of a job in MB, and the job."""
    workers = service.kinds()["worker"]
    with accounting.PeakMemory(service.pids, look_seconds=_LOOK_SECONDS) as memory:
        told = env.run(service, urls, words)
    if service.kinds()["worker"] != workers:
        raise BenchFailed(f"a worker died of {words}:\n{service.scratch.log_end()}")
    if trick is None and told.ended.job["images"]["measured"] != len(urls):
        raise BenchFailed(f"good photos failed: {told.ended.job['causes']}")
    return memory.peak_bytes / 1e6, told


def _others(told: JobOutcome, trick: Trick) -> int:
    """How many images came to something else than the catalogue says."""
    job = told.ended.job
    right = job["images"]["measured"] if trick.expected is MEASURED else job["causes"].get(trick.expected, 0)
    return int(job["images"]["total"] - right)
