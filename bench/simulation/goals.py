"""What every design is asked: how much is held, how long an urgent image waits, who gets how much of a host.

Each returns a plain number. A minute of simulated time takes well under a second of real time.
"""

from bench.simulation.designs import Design
from bench.simulation.fleet import Fleet
from bench.simulation.late_worker import LateWorker
from bench.simulation.photo_host import Job, PhotoHost

SLOW_SECONDS = 2.0
BIG = 5_000
_MOMENTS = (3.0, 4.3, 5.7)
PATIENCE_SECONDS = 900.0


def held(design: Design, workers: int) -> tuple[int, int]:
    """Images held three seconds after a big job at a slow host was submitted, and requests in flight."""
    host = PhotoHost(name="slow", least=SLOW_SECONDS, most=SLOW_SECONDS)
    fleet = design([host], workers)
    fleet.submit(Job(name="big", images=BIG), {"slow": BIG})
    fleet.clock.run(3.0)
    return fleet.held, host.in_flight


def urgent_latencies(design: Design, workers: int, priority: int) -> float:
    """The longest that one image takes behind a big job at the same host, in its latencies."""
    return max(_one_more(design, workers, "slow", priority, at) for at in _MOMENTS) / SLOW_SECONDS


def idle_host_seconds(design: Design, workers: int) -> float:
    """The same for an image at a host of 50 ms that nobody else wants, in seconds."""
    return max(_one_more(design, workers, "idle", 0, at) for at in _MOMENTS)


def _one_more(design: Design, workers: int, host: str, priority: int, at: float) -> float:
    slow = PhotoHost(name="slow", least=SLOW_SECONDS, most=SLOW_SECONDS)
    fleet = design([slow, PhotoHost(name="idle", least=0.05, most=0.05)], workers)
    fleet.submit(Job(name="big", images=BIG), {"slow": BIG})
    fleet.clock.run(at)
    one = Job(name="one", images=1, priority=priority)
    fleet.submit(one, {host: 1})
    fleet.clock.run(at + PATIENCE_SECONDS, lambda: one.ended_at is not None)
    return (one.ended_at or fleet.clock.now) - at


def late_requests(design: Design, workers: int, *, heard: bool) -> int:
    """Requests that begin later than half a second after a big job was cancelled; heard of, or not."""
    fleet = design([PhotoHost(name="slow", least=SLOW_SECONDS, most=SLOW_SECONDS)], workers)
    big = Job(name="big", images=BIG)
    fleet.submit(big, {"slow": BIG})
    fleet.clock.run(12.3)
    fleet.cancel(big, heard=heard)
    fleet.clock.run(32.3)
    return sum(at > 12.8 for at in big.begun)


def spread(design: Design, workers: int, least: float, most: float) -> tuple[float, int]:
    """Ten equal jobs at one host: the time between the first end and the last, of the whole; most at once."""
    host = PhotoHost(name="host", least=least, most=most)
    fleet = design([host], workers)
    jobs = [Job(name=f"job {number}", images=500) for number in range(10)]
    for job in jobs:
        fleet.submit(job, {"host": job.images})
    fleet.clock.run(PATIENCE_SECONDS, lambda: all(job.ended_at is not None for job in jobs))
    ends = [job.ended_at or fleet.clock.now for job in jobs]
    return (max(ends) - min(ends)) / max(ends), host.max_in_flight


def urgent_job_times(design: Design) -> float:
    """A job of priority 50 that comes to a host with four of priority 0: its time over that alone."""
    host = PhotoHost(name="host", least=0.2, most=0.2)
    fleet = design([host], 2)
    for number in range(4):
        fleet.submit(Job(name=f"other {number}", images=2_000), {"host": 2_000})
    fleet.clock.run(5.0)
    urgent = Job(name="urgent", images=200, priority=50)
    fleet.submit(urgent, {"host": 200})
    fleet.clock.run(PATIENCE_SECONDS, lambda: urgent.ended_at is not None)
    return ((urgent.ended_at or fleet.clock.now) - 5.0) / (200 * 0.2 / 16)


def slow_hosts_rate(design: Design) -> tuple[float, int]:
    """Two hundred hosts of one to three seconds, two workers: images a second, and the most at one host."""
    hosts = [PhotoHost(name=f"host {number}", least=1.0, most=3.0) for number in range(200)]
    fleet = design(hosts, 2)
    job = Job(name="big", images=60_000)
    fleet.submit(job, {host.name: 300 for host in hosts})
    fleet.clock.run(8.0)
    before = job.done
    fleet.clock.run(13.0)
    return (job.done - before) / 5.0, max(host.max_in_flight for host in hosts)


def fast_host_rate(design: Design) -> float:
    """One host of 10 ms and eight workers: images a second of the 1,600 of its starting cap."""
    fleet = design([PhotoHost(name="fast", least=0.01, most=0.01)], 8)
    job = Job(name="big", images=30_000)
    fleet.submit(job, {"fast": job.images})
    fleet.clock.run(1.0)
    before = job.done
    fleet.clock.run(2.0)
    return float(job.done - before)


def after_a_crash(design: Design) -> tuple[float, int, int]:
    """One of four workers is killed: seconds until its host is full again, the most there, photos done."""
    host = PhotoHost(name="slow", least=SLOW_SECONDS, most=SLOW_SECONDS)
    fleet = design([host], 4)
    assert isinstance(fleet, Fleet)
    job = Job(name="big", images=1_000)
    fleet.submit(job, {"slow": job.images})
    fleet.clock.run(20.0)
    max(fleet.workers, key=lambda worker: worker.in_flight).crash()
    fleet.clock.run(60.0, lambda: host.in_flight >= 16)
    back = fleet.clock.now - 20.0
    fleet.clock.run(PATIENCE_SECONDS, lambda: job.ended_at is not None)
    return back, host.max_in_flight, job.done


def joined_after(design: Design) -> float:
    """A second worker comes to a busy host: seconds until it has its half."""
    host = PhotoHost(name="host", least=1.0, most=1.0)
    fleet = design([host], 1)
    assert isinstance(fleet, Fleet)
    fleet.submit(Job(name="big", images=3_000), {"host": 3_000})
    fleet.clock.run(10.2)
    joined = LateWorker(fleet)
    fleet.clock.run(60.0, lambda: joined.in_flight >= 7)
    return fleet.clock.now - 10.2
