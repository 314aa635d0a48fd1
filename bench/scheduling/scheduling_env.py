"""What the cases of scheduling share: a service, a slow origin, and looks at both.

The service's database is looked into only to count what workers hold, which no answer of the API tells.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from tests.slow_origin import SlowOrigin

from bench.case_runner import Bench
from bench.service import Service, running_service, write_submit
from retailpulse.domain.images import Depth

LOOK_SECONDS = 0.02
CAP = 16
"""Most requests at once to one host at default settings."""
_IN_LINE = "SELECT coalesce(sum(cardinality(image_nos)), 0) FROM slices"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """A running service beside a running origin."""

    service: Service
    origin: SlowOrigin
    database: "psycopg.Connection[Any]"

    def submit(self, urls: Sequence[str], priority: int = 0) -> str:
        """Submits a job at depth `header`; returns its id."""
        return self.service.submit(write_submit(urls, Depth.HEADER, priority))

    def ended_after(self, job_id: str, patience_seconds: float) -> float:
        """Seconds from now until a job has ended, at most so many."""
        began = time.perf_counter()
        while (seconds := time.perf_counter() - began) < patience_seconds:
            if self.service.job(job_id)["status"] != "ongoing":
                return seconds
            time.sleep(LOOK_SECONDS)
        return patience_seconds

    def in_line(self) -> int:
        """How many images no worker has taken."""
        ((images,),) = self.database.execute(_IN_LINE).fetchall()
        return int(images)

    def in_flight(self) -> int:
        """How many requests the hosts have in work."""
        return sum(count.in_flight for count in self.origin.counts())

    def wait_until(self, holds: Callable[[], bool], patience_seconds: float) -> bool:
        """Waits for something to become true; False where it did not in time."""
        until = time.monotonic() + patience_seconds
        while not holds():
            if time.monotonic() > until:
                return False
            time.sleep(LOOK_SECONDS)
        return True


@contextmanager
def staged(
    bench: Bench,
    *,
    hosts: int = 1,
    manners: Mapping[int, str] | None = None,
    workers: int | None = None,
    settings: Callable[[SlowOrigin], Mapping[str, str]] = lambda _: {},
) -> Iterator[Stage]:
    """Runs a fresh service and origin until the context ends; by default with two workers."""
    with (
        SlowOrigin(hosts, manners) as origin,
        running_service(2 if workers is None else workers, {**settings(origin), **bench.settings}) as service,
        service.database() as database,
    ):
        yield Stage(service=service, origin=origin, database=database)
