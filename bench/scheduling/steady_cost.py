"""What it costs to claim and settle an image of a small and of a large job, whatever the planner believes.

The product's own statements, by one connection each, on a database without workers; statistics are those of a
few jobs, of many, of millions of rows, or none. Weak: the driver's part and the writing of the log are not in
it, and CPU time goes up where others keep emptying the caches.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from bench.case_runner import Bench
from bench.figures import Figure, at_most
from bench.service import IMAGES_PER_VISIT, STORES, Service, running_service
from retailpulse.config.settings import DatabaseSettings
from retailpulse.domain.images import Format, Header, Outcome
from retailpulse.measure import make_measurement
from retailpulse.schema import ImageResult
from retailpulse.storage.postgres.database import Connection, Database
from retailpulse.storage.postgres.embedded import EmbeddedServer
from retailpulse.storage.results import settle
from retailpulse.storage.scheduling import claims, workers
from retailpulse.storage.scheduling.claims import ClaimRequest, Granted

CASE = "steady cost"
NAME = "scheduling-steady-cost"
SMALL, LARGE = 20_000, 600_000
AT_ONCE, SLICES = 256, 4
"""Images of one claim, and the slices that it may lock."""
TAKEN = 15_000
STATES: Mapping[str, Sequence[int]] = {
    "no statistics": [],
    "statistics of 2 jobs": [SMALL] * 2,
    "statistics of 45 jobs": [2_000] * 45,
    "millions of rows": [LARGE] * 4,
}
"""The jobs that the statistics know of, by images."""
_TABLES = ("images", "visits", "jobs", "results", "slices", "grants")
_BUFFERS = "SELECT sum(hits + reads)::float8 FROM pg_stat_get_backend_io(pg_backend_pid())"
_HEADER = Header(format=Format.JPEG, width=640, height=480, displayed_width=640, displayed_height=480)
_MEASURED = make_measurement(_HEADER)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What one image costs."""

    microseconds: float
    buffers: float


def measure(bench: Bench) -> list[Figure]:
    """A large job beside a small one, in every state of the statistics."""
    return [figure for state in STATES for figure in _measure(bench, state)]


def _measure(bench: Bench, state: str) -> list[Figure]:
    costs: dict[int, list[Cost]] = {SMALL: [], LARGE: []}
    for number in range(bench.runs):
        for images in costs if number % 2 == 0 else reversed(costs):
            words = f"{CASE}, {state}, {images:,} images, run {number + 1} of {bench.runs}"
            bench.show(f"{words}: filling up", 0)
            with running_service(0, bench.settings) as service:
                _fill(service, STATES[state])
                job_id = _submit(service, "measured", images)
                bench.show(words, 0)
                costs[images].append(asyncio.run(_measure_cost(service, job_id)))
    small, large = costs[SMALL], costs[LARGE]
    case = f"{state}, {LARGE:,}"
    limit_name = f"{SMALL:,}"
    return [
        Figure(
            case=case,
            about=about,
            unit=unit,
            runs=[getattr(cost, name) for cost in large],
            limits=[getattr(cost, name) for cost in small],
            limit_name=limit_name,
            target=at_most(1.15),
        )
        for about, unit, name in (("PostgreSQL's CPU", "us", "microseconds"), ("buffers", "", "buffers"))
    ]


def _fill(service: Service, jobs: Sequence[int]) -> None:
    """Submits jobs and tells the planner of them, and of nothing that comes later."""
    with service.database() as connection:
        for table in _TABLES:
            connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
        for number, images in enumerate(jobs):
            _submit(service, f"known{number}", images)
        if jobs:
            connection.execute("ANALYZE")


def _submit(service: Service, host: str, images: int) -> UUID:
    """Submits a job at a host of its own, as CSV."""
    lines = [
        f"B{n // IMAGES_PER_VISIT % STORES:05},http://{host}.example/{n}.jpg,{_visit_time(n)}"
        for n in range(images)
    ]
    body = "\n".join(["store_id,image_url,visit_time", *lines]).encode()
    answer = service.http.post(
        "/api/v1/jobs", content=body, headers={"Content-Type": "text/csv"}, timeout=600
    )
    return UUID(answer.raise_for_status().json()["job_id"])


def _visit_time(number: int) -> str:
    visit = number // IMAGES_PER_VISIT
    return f"2026-01-{1 + visit % 28:02}T10:00:00Z"


async def _measure_cost(service: Service, job_id: UUID) -> Cost:
    """Claims and settles the first images of a job."""
    url = EmbeddedServer(service.scratch.folder / "data").url()
    database = Database(url, DatabaseSettings())
    async with database, database.dedicated(planned_once=True) as claiming, database.dedicated() as settling:
        worker_id = await workers.register(claiming)
        (host_id,) = await _host_of(claiming, job_id)
        await _round(claiming, settling, worker_id, host_id)  # plans are made with the first ones
        pids = [claiming.info.backend_pid, settling.info.backend_pid]
        before, began = await _buffers(claiming) + await _buffers(settling), sum(map(_cpu_seconds, pids))
        taken = 0
        while taken < TAKEN:
            taken += await _round(claiming, settling, worker_id, host_id)
        seconds = sum(map(_cpu_seconds, pids)) - began
        buffers = await _buffers(claiming) + await _buffers(settling) - before
    return Cost(microseconds=1e6 * seconds / taken, buffers=buffers / taken)


async def _round(claiming: Connection, settling: Connection, worker_id: int, host_id: int) -> int:
    granted = await claims.claim(claiming, worker_id, {host_id: ClaimRequest(room=AT_ONCE, slices=SLICES)})
    done = [result for grant in granted for result in _results(grant)]
    async with settling.transaction():
        await settle.settle(settling, done, [grant.grant_id for grant in granted])
    return len(done)


def _results(grant: Granted) -> list[ImageResult]:
    return [
        ImageResult(
            job_id=grant.job_id,
            image_no=image.image_no,
            outcome=Outcome.MEASURED,
            measurement=_MEASURED,
            tries=1,
        )
        for image in grant.images
    ]


async def _host_of(connection: Connection, job_id: UUID) -> list[int]:
    cursor = await connection.execute("SELECT DISTINCT host_id FROM slices WHERE job_id = %s", [job_id])
    return [host_id for (host_id,) in await cursor.fetchall()]


def _cpu_seconds(pid: int) -> float:
    """CPU time of a session of PostgreSQL so far; the kernel counts it in nanoseconds."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


async def _buffers(connection: Connection) -> float:
    """Buffers that the session of a connection has touched so far."""
    await connection.execute("SELECT pg_stat_force_next_flush()")
    cursor = await connection.execute(_BUFFERS)
    ((buffers,),) = await cursor.fetchall()
    return float(buffers)
