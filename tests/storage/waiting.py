"""What waits by host, is in work and was learnt, as rows of the tables: no worker has to do it."""

from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql

from retailpulse.domain.ids import new_job_id

SLICE_IMAGES = 128


class Waiting:
    """Puts rows of hosts, jobs and what waits into a database."""

    def __init__(self, url: str) -> None:
        self._url = url

    def _insert(self, statement: LiteralString | sql.Composed, *values: object) -> Any:
        with psycopg.connect(self._url) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchone()[0] if cursor.description else None  # type: ignore[index]

    def host(self, origin: str, **learnt: object) -> int:
        """A host with what was learnt of it; gives its id."""
        host_id = self._insert("INSERT INTO hosts (origin) VALUES (%s) RETURNING host_id", origin)
        for column, value in learnt.items():
            change = sql.SQL("UPDATE hosts SET {} = %s WHERE host_id = %s").format(sql.Identifier(column))
            self._insert(change, value, host_id)
        return int(host_id)

    def refused(self, host_id: int, cause: str, detail: str, *, seconds_ago: float) -> None:
        """Has a host refuse a request some time ago."""
        self._insert(
            "UPDATE hosts SET cause = %s, detail = %s, refused_at = now() - make_interval(secs => %s)"
            " WHERE host_id = %s",
            cause,
            detail,
            seconds_ago,
            host_id,
        )

    def rests(self, host_id: int, *, seconds: float) -> None:
        """Has a host left alone from now on."""
        self._insert(
            "UPDATE hosts SET rest_until = now() + make_interval(secs => %s) WHERE host_id = %s",
            seconds,
            host_id,
        )

    def job(self, images: int, *, status: str = "ongoing", seconds_ago: float = 0, **columns: object) -> UUID:
        """A job of so many images without a result, and without the images themselves."""
        job_id = new_job_id()
        self._insert(
            "INSERT INTO jobs (job_id, status, depth, images, submitted_at)"
            " VALUES (%s, %s, 'header', %s, now() - make_interval(secs => %s))",
            job_id,
            status,
            images,
            seconds_ago,
        )
        for column, value in columns.items():
            change = sql.SQL("UPDATE jobs SET {} = %s WHERE job_id = %s").format(sql.Identifier(column))
            self._insert(change, value, job_id)
        return job_id

    def slices(
        self, host_ids: int | Sequence[int], job_id: UUID, *, slices: int = 1, images: int = SLICE_IMAGES
    ) -> None:
        """So many slices of so many images of a job wait, by turns at these hosts."""
        hosts = [host_ids] if isinstance(host_ids, int) else list(host_ids)
        self._insert(
            "INSERT INTO slices (host_id, rank, tag, job_id, image_nos)"
            " SELECT (%s::integer[])[1 + n %% %s], 0, n * %s, %s,"
            " array(SELECT generate_series(n * %s + 1, (n + 1) * %s))"
            " FROM generate_series(0, %s - 1) n",
            hosts,
            len(hosts),
            images,
            job_id,
            images,
            images,
            slices,
        )

    def worker(self, *, silent_seconds: float = 0) -> int:
        """A worker that was heard of so long ago; gives its id."""
        return int(
            self._insert(
                "INSERT INTO workers (beat_at) VALUES (now() - make_interval(secs => %s))"
                " RETURNING worker_id",
                silent_seconds,
            )
        )

    def lease(self, host_id: int, worker_id: int, slots: int, in_flight: int = 0) -> None:
        """A worker may have so many requests at a host, and has some."""
        self._insert(
            "INSERT INTO leases (host_id, worker_id, slots, in_flight) VALUES (%s, %s, %s, %s)",
            host_id,
            worker_id,
            slots,
            in_flight,
        )
        self._insert("UPDATE hosts SET leased = leased + %s WHERE host_id = %s", slots, host_id)

    def grant(self, host_id: int, worker_id: int, job_id: UUID, image_nos: Sequence[int]) -> None:
        """A worker has taken these images of a job."""
        self._insert(
            "INSERT INTO grants (worker_id, host_id, rank, tag, job_id, image_nos)"
            " VALUES (%s, %s, 0, 0, %s, %s)",
            worker_id,
            host_id,
            job_id,
            list(image_nos),
        )
