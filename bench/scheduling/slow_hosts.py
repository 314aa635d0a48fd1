"""Two hundred hosts of one to three seconds, two workers, default settings: are the hosts the limit, or we?

The limit is what the hosts' caps allow together. Memory is that of all our processes, PostgreSQL's beside it.
"""

import time
from functools import partial

from bench import accounting
from bench.case_runner import Bench
from bench.figures import Figure, at_least, at_most
from bench.scheduling.scheduling_env import CAP, Stage, staged

CASE = "slow hosts"
NAME = "scheduling-slow-hosts"
HOSTS, LATENCY_MS, MEAN_SECONDS = 200, "1000-3000", 2.0
LIMIT_PER_SECOND = HOSTS * CAP / MEAN_SECONDS
WARM_UP_SECONDS, MEASURED_SECONDS, WORKERS = 12.0, 12.0, 2
IMAGES = int(LIMIT_PER_SECOND * (WARM_UP_SECONDS + MEASURED_SECONDS) * 1.3)


def measure(bench: Bench) -> list[Figure]:
    """Images a second once every host is as busy as it will be, and the memory meanwhile."""
    rates: list[float] = []
    ours: list[float] = []
    postgres: list[float] = []
    busy: list[float] = []
    for number in range(bench.runs):
        bench.show(f"{CASE}, run {number + 1} of {bench.runs}", number / bench.runs)
        with (
            staged(bench, hosts=HOSTS, workers=WORKERS) as stage,
            accounting.PeakMemory(stage.service.pids) as memory,
            accounting.PeakMemory(partial(_postgres, stage)) as theirs,
        ):
            rate, cpu = _run(stage, bench.cores)
        rates.append(rate)
        busy.append(cpu)
        ours.append(memory.peak_bytes / 1e6)
        postgres.append(theirs.peak_bytes / 1e6)
    return [
        Figure(
            case=CASE,
            about="images",
            unit="/s",
            runs=rates,
            limits=[LIMIT_PER_SECOND] * len(rates),
            limit_name="their caps",
            target=at_least(0.8),
        ),
        Figure(case=CASE, about="peak memory", unit="MB", runs=ours, target=at_most(1_000)),
        Figure(case=CASE, about="PostgreSQL's peak", unit="MB", runs=postgres),
        Figure(case=CASE, about="cores in use", runs=busy),
    ]


def _run(stage: Stage, cores: int) -> tuple[float, float]:
    """Images a second, and the part of the machine's cores that was in use."""
    job_id = stage.submit(stage.origin.urls(LATENCY_MS, "photo", IMAGES, hosts=range(HOSTS)))
    time.sleep(WARM_UP_SECONDS)
    before, cpu, began = _settled(stage, job_id), accounting.machine_cpu_seconds(), time.monotonic()
    time.sleep(MEASURED_SECONDS)
    seconds = time.monotonic() - began
    rate = (_settled(stage, job_id) - before) / seconds
    return rate, (accounting.machine_cpu_seconds() - cpu) / (cores * seconds)


def _postgres(stage: Stage) -> list[int]:
    return stage.service.kinds()["postgres"]


def _settled(stage: Stage, job_id: str) -> int:
    return int(stage.service.job(job_id)["images"]["settled"])
