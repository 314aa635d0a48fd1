"""A job whose images lie on as many host names as it has images, beside the same job on one host.

All go through the origin as a proxy, so that no name is looked up and connections are kept in both: what is
left to differ is the scheduling. Weak: a real job of many hosts also pays for look-ups and connections.
"""

from collections.abc import Mapping, Sequence

from tests.slow_origin import SlowOrigin

from bench import accounting
from bench.case_runner import Bench
from bench.figures import Figure, at_most
from bench.scheduling.scheduling_env import Stage, staged

CASE = "many hosts"
NAME = "scheduling-many-hosts"
IMAGES = 100_000
LATENCY_MS = 0
PATIENCE_SECONDS = 600.0
_OURS = ("api", "worker", "decoder", "supervisor", "postgres")


def measure(bench: Bench) -> list[Figure]:
    """CPU time of the service and PostgreSQL per image, images a second, and memory."""
    one: list[tuple[float, float, float]] = []
    many: list[tuple[float, float, float]] = []
    for number in range(bench.runs):
        words = f"{CASE}, run {number + 1} of {bench.runs}"
        for hosts, runs in ((1, one), (IMAGES, many)) if number % 2 == 0 else ((IMAGES, many), (1, one)):
            bench.show(f"{words}: {hosts:,}", number / bench.runs)
            with staged(bench, settings=_proxied) as stage:
                runs.append(_run(stage, hosts))
    case = f"{CASE}, {IMAGES:,} of them"
    return [
        _figure(case, "CPU per image", "us", one, many, 0),
        _figure(case, "seconds per image", "us", one, many, 1),
        _figure(case, "peak memory", "MB", one, many, 2),
    ]


def _figure(
    case: str, about: str, unit: str, one: Sequence[Sequence[float]], many: Sequence[Sequence[float]], n: int
) -> Figure:
    return Figure(
        case=case,
        about=about,
        unit=unit,
        runs=[run[n] for run in many],
        limits=[run[n] for run in one],
        limit_name="one host",
        target=at_most(1.2),
    )


def _proxied(origin: SlowOrigin) -> Mapping[str, str]:
    return {"RETAILPULSE_FETCH_PROXY": origin.proxy}


def _run(stage: Stage, hosts: int) -> tuple[float, float, float]:
    """CPU and seconds per image in microseconds, and peak memory in MB; all images must be measured."""
    urls = [f"http://photos-{n % hosts}.example/{LATENCY_MS}/{n}.jpg" for n in range(IMAGES)]
    before = _cpu_seconds(stage)
    with accounting.PeakMemory(stage.service.pids) as memory:
        job_id = stage.submit(urls)
        seconds = stage.ended_after(job_id, PATIENCE_SECONDS)
    cpu = _cpu_seconds(stage) - before
    measured = max(1, stage.service.job(job_id)["images"]["measured"])
    return 1e6 * cpu / measured, 1e6 * seconds / measured, memory.peak_bytes / 1e6


def _cpu_seconds(stage: Stage) -> float:
    kinds = stage.service.kinds()
    return sum(accounting.cpu_seconds({kind: kinds[kind] for kind in _OURS}).values())
