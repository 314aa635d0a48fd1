"""What late binding is asked beyond the goals: hosts that refuse, fail, redirect, or bear more than at first.

The limits of a host are one row for all workers, written by compare-and-set; each scenario says what the host
and the jobs saw.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bench.simulation.designs import slices
from bench.simulation.fleet import MOST, Fleet
from bench.simulation.photo_host import Job, PhotoHost, Says

PATIENCE_SECONDS = 900.0
IMAGES = 150
LateDesign: TypeAlias = Callable[[Sequence[PhotoHost], int], Fleet]


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What came of a job, what its host saw, and what the fleet decided."""

    seconds: float
    done: int
    lost: int
    requests: int
    refused: int
    max_in_flight: int
    cap: int
    max_leased: int
    decisions: int
    overtaken: int
    broken_invariants: list[str]


def play(host: PhotoHost, images: int, workers: int, *, until: float, design: LateDesign = slices) -> Seen:
    """A job at one host, until it ends or for so long."""
    fleet = design([host], workers)
    job = Job(name="job", images=images)
    fleet.submit(job, {host.name: images})
    fleet.clock.run(1.0)
    broken = fleet.broken_invariants()
    fleet.clock.run(until, lambda: job.ended_at is not None)
    return seen(fleet, host, job, broken)


def seen(fleet: Fleet, host: PhotoHost, job: Job, broken: list[str]) -> Seen:
    """How things stand."""
    row = fleet.row(host.name)
    return Seen(
        seconds=job.ended_at or fleet.clock.now,
        done=job.done,
        lost=job.lost,
        requests=host.requests,
        refused=host.refused,
        max_in_flight=host.max_in_flight,
        cap=row.limits.cap,
        max_leased=row.max_leased,
        decisions=fleet.decisions,
        overtaken=fleet.overtaken,
        broken_invariants=[*broken, *fleet.broken_invariants()],
    )


def bears_few(bears: int, refuses: Says, workers: int, design: LateDesign = slices) -> Seen:
    """A host of 50 ms that bears so many requests at once, and resets the rest or answers 429."""
    host = PhotoHost(name="narrow", least=0.05, most=0.05, bears=bears, refuses=refuses)
    return play(host, IMAGES, workers, until=PATIENCE_SECONDS, design=design)


def fast_host(workers: int, latency: float, *, seconds: float = 20.0) -> Seen:
    """A host that answers in so many seconds, and bears whatever it is asked."""
    host = PhotoHost(name="fast", least=latency, most=latency)
    return play(host, _more_than(latency, seconds), workers, until=seconds)


def fast_host_of(bears: int, workers: int) -> Seen:
    """A fast host with a limit above the starting cap: does the cap find it, and stay there?"""
    host = PhotoHost(name="fast", least=0.01, most=0.01, bears=bears)
    return play(host, _more_than(0.01, 10.0), workers, until=10.0)


def _more_than(latency: float, seconds: float) -> int:
    """More images than any cap lets a host answer in the time."""
    return int(MOST / latency * seconds)


def outage(workers: int, down_seconds: float) -> tuple[int, float, Seen]:
    """A host that is down for a while: requests meanwhile, seconds until it was asked fully again.

    Further jobs come all the time, so that the host stays wanted also where those that wait are given up.
    """
    began, ended = 5.0, 5.0 + down_seconds
    host = PhotoHost(name="host", least=0.2, most=0.2, down=(began, ended))
    fleet = slices([host], workers)
    jobs = [Job(name="job", images=4_000)]

    def submit() -> None:
        jobs.append(Job(name=f"later {len(jobs)}", images=200))
        fleet.submit(jobs[-1], {"host": 200})
        fleet.clock.after(1.0, submit)

    fleet.submit(jobs[0], {"host": jobs[0].images})
    submit()
    fleet.clock.run(ended)
    fleet.clock.run(ended + 60.0, lambda: host.in_flight >= 16)
    meanwhile = sum(began <= at < ended for at in host.begun)
    return meanwhile, fleet.clock.now - ended, seen(fleet, host, jobs[0], fleet.broken_invariants())


def redirected(workers: int) -> tuple[Seen, PhotoHost]:
    """A host whose photos all lie at another, slower one, where another job waits too."""
    door = PhotoHost(name="door", least=0.01, most=0.02, leads_to="store")
    store = PhotoHost(name="store", least=0.2, most=0.4)
    fleet = slices([door, store], workers)
    led, direct = Job(name="led", images=600), Job(name="direct", images=600)
    fleet.submit(direct, {"store": direct.images})
    fleet.submit(led, {"door": led.images})
    fleet.clock.run(PATIENCE_SECONDS, lambda: led.ended_at is not None and direct.ended_at is not None)
    return seen(fleet, door, led, fleet.broken_invariants()), store
