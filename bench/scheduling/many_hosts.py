"""A job whose images lie on as many host names as it has images, beside the same job on one host.

All go through the origin as a proxy, so that no name is looked up and connections are kept in both: what is
left to differ is the scheduling. Weak: a real job of many hosts also pays for look-ups and connections.
"""

from collections.abc import Mapping

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
_ABOUT = (
    ("slices in line", ""),
    ("write-ahead log per image", "B"),
    ("CPU per image", "us"),
    ("seconds per image", "us"),
    ("peak memory", "MB"),
)
_SLICES = "SELECT count(*)::float8 FROM slices"
_LOGGED = "SELECT (pg_current_wal_lsn() - '0/0')::float8"
_OURS = ("api", "worker", "decoder", "supervisor", "postgres")


def measure(bench: Bench) -> list[Figure]:
    """Slices in line, what PostgreSQL logs, CPU time of all processes, and time, per image; and memory."""
    one: list[list[float]] = []
    many: list[list[float]] = []
    for number in range(bench.runs):
        words = f"{CASE}, run {number + 1} of {bench.runs}"
        for hosts, runs in ((1, one), (IMAGES, many)) if number % 2 == 0 else ((IMAGES, many), (1, one)):
            bench.show(f"{words}: {hosts:,}", number / bench.runs)
            with staged(bench, settings=_proxied) as stage:
                runs.append(_run(stage, hosts))
    case = f"{CASE}, {IMAGES:,} of them"
    return [
        Figure(
            case=case,
            about=about,
            unit=unit,
            runs=[run[number] for run in many],
            limits=[run[number] for run in one],
            limit_name="one host",
            target=at_most(1.2),
        )
        for number, (about, unit) in enumerate(_ABOUT)
    ]


def _proxied(origin: SlowOrigin) -> Mapping[str, str]:
    return {"RETAILPULSE_FETCH_PROXY": origin.proxy}


def _run(stage: Stage, hosts: int) -> list[float]:
    """What `_ABOUT` names, each for one run; all images must be measured."""
    urls = [f"http://photos-{n % hosts}.example/{LATENCY_MS}/{n}.jpg" for n in range(IMAGES)]
    cpu_before, logged_before = _cpu_seconds(stage), _asked(stage, _LOGGED)
    with accounting.PeakMemory(stage.service.pids) as memory:
        job_id = stage.submit(urls)
        slices = _asked(stage, _SLICES)  # those of the first images are taken already
        seconds = stage.ended_after(job_id, PATIENCE_SECONDS)
    cpu, logged = _cpu_seconds(stage) - cpu_before, _asked(stage, _LOGGED) - logged_before
    measured = max(1, stage.service.job(job_id)["images"]["measured"])
    return [
        slices,
        logged / measured,
        1e6 * cpu / measured,
        1e6 * seconds / measured,
        memory.peak_bytes / 1e6,
    ]


def _asked(stage: Stage, question: str) -> float:
    ((number,),) = stage.database.execute(question).fetchall()
    return float(number)


def _cpu_seconds(stage: Stage) -> float:
    kinds = stage.service.kinds()
    return sum(accounting.cpu_seconds({kind: kinds[kind] for kind in _OURS}).values())
