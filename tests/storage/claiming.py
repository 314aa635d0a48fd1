"""Claims images and gives them back as a worker does, by the tables alone: nothing is fetched."""

from collections import Counter
from collections.abc import Iterable, Sequence
from uuid import UUID

import psycopg

from retailpulse.domain.jobs import PendingImage
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling import claims, leases, workers
from retailpulse.storage.scheduling.claims import ClaimRequest, Granted

EVERYTHING = 1_000_000
MOST_SLICES = 10_000


async def add_worker(database: Database) -> int:
    """A worker that has just said that it is alive."""
    async with database.connection() as connection:
        return await workers.register(connection)


async def claim(
    database: Database,
    worker_id: int,
    room: int = EVERYTHING,
    *,
    hosts: Iterable[int] | None = None,
    slices: int = MOST_SLICES,
) -> list[Granted]:
    """Claims once: so many images of each of these hosts, or of all where something waits."""
    async with database.dedicated(planned_once=True) as connection:
        if hosts is None:
            found = await leases.discover(connection, after=-(2**31), limit=100_000, cap=16)
            hosts = [waiting.host_id for waiting in found]
        asks = {host_id: ClaimRequest(room=room, slices=slices) for host_id in hosts}
        return await claims.claim(connection, worker_id, asks)


async def leave(database: Database, *worker_ids: int) -> int:
    """Has workers give back all that they have; how many images wait again."""
    async with database.transaction() as connection:
        return await workers.leave(connection, worker_ids)


async def sweep(database: Database, stale_seconds: float = 10.0) -> tuple[int, int]:
    """Sweeps once; how many workers were silent, and how many of their images wait again."""
    async with database.transaction() as connection:
        return await workers.sweep(connection, stale_seconds)


def silence(database: Database, *worker_ids: int, seconds: float = 60.0) -> None:
    """Has workers be silent for so long already."""
    with psycopg.connect(database.url) as connection:
        connection.execute(
            "UPDATE workers SET beat_at = now() - make_interval(secs => %s) WHERE worker_id = ANY(%s)",
            [seconds, list(worker_ids)],
        )


def images(granted: Iterable[Granted]) -> list[PendingImage]:
    """All images of some grants, by their numbers."""
    return sorted((image for grant in granted for image in grant.images), key=lambda image: image.image_no)


def numbers(granted: Iterable[Granted]) -> list[int]:
    """The numbers of all images of some grants, in order."""
    return [image.image_no for image in images(granted)]


def counts(granted: Iterable[Granted]) -> Counter[UUID]:
    """How many images of each job there are in some grants."""
    of_jobs: Counter[UUID] = Counter()
    for grant in granted:
        of_jobs[grant.job_id] += len(grant.images)
    return of_jobs


def grant_ids(granted: Sequence[Granted]) -> list[int]:
    """The ids of grants, to close them."""
    return [grant.grant_id for grant in granted]


def in_line(database: Database, job_id: UUID) -> list[int]:
    """The images of a job that wait, each as often as it does."""
    return _numbers(database, "slices", job_id)


def in_work(database: Database, job_id: UUID) -> list[int]:
    """The images of a job that workers have, each as often as they do."""
    return _numbers(database, "grants", job_id)


def _numbers(database: Database, table: str, job_id: UUID) -> list[int]:
    with psycopg.connect(database.url) as connection:
        rows = connection.execute(
            f"SELECT unnest(image_nos) AS no FROM {table} WHERE job_id = %s ORDER BY no".encode(), [job_id]
        ).fetchall()
    return [number for (number,) in rows]
