"""Gives images out to workers, in the order of a fair queue at each host, and takes them back.

Higher priority first; among equals each job that waits at a host gets the same share. The statement is
prepared once and must not be planned by statistics: see `Database.scheduling`.
"""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import msgspec

from retailpulse.domain.images import Depth
from retailpulse.domain.jobs import PendingImage
from retailpulse.storage.postgres.database import Connection

# A worker that was swept gets nothing, and the sweep waits for a claim in progress. Few slices are locked at
# each host: others claim there at the same time, and what is locked is out of their order.
_CLAIM = """
    WITH me AS MATERIALIZED (
        SELECT worker_id FROM workers WHERE worker_id = %(worker_id)s FOR KEY SHARE),
    ask AS MATERIALIZED (
        SELECT * FROM unnest(%(host_ids)s::int[], %(rooms)s::int[], %(slices)s::int[])
            AS ask (host_id, room, slices)
        WHERE EXISTS (SELECT FROM me)),
    head AS MATERIALIZED (
        SELECT s.*, cardinality(s.image_nos) AS size, ask.room
        FROM ask CROSS JOIN LATERAL (
            SELECT * FROM slices WHERE host_id = ask.host_id
            ORDER BY host_id, rank, tag, slice_id
            LIMIT least(ask.slices, ask.room) FOR UPDATE SKIP LOCKED) s),
    part AS (
        SELECT *, row_number() OVER (PARTITION BY host_id, rank, job_id ORDER BY tag, slice_id) AS nth
        FROM head),
    fair AS (
        SELECT *, greatest(1, ceil(room::float8 / sum((nth = 1)::int) OVER (PARTITION BY host_id, rank)))::int
            AS quantum
        FROM part),
    piece AS (  -- first each job's fair part of the room, then what is left of it
        SELECT f.*, pass,
            CASE pass WHEN 1 THEN least(size, quantum) ELSE size - least(size, quantum) END AS n
        FROM fair f CROSS JOIN (VALUES (1), (2)) AS p (pass)),
    cut AS (
        SELECT *, least(n, greatest(0, room - (
            sum(n) OVER (PARTITION BY host_id ORDER BY rank, pass, tag, slice_id) - n)))::int AS got
        FROM piece),
    take AS MATERIALIZED (
        SELECT slice_id, host_id, rank, tag, job_id, size, image_nos, sum(got)::int AS got FROM cut
        GROUP BY slice_id, host_id, rank, tag, job_id, size, image_nos HAVING sum(got) > 0),
    advanced AS (
        UPDATE slices s SET image_nos = s.image_nos[t.got + 1:], tag = s.tag + t.got
        FROM take t WHERE s.slice_id = t.slice_id AND t.got < t.size),
    emptied AS (
        DELETE FROM slices WHERE slice_id = ANY(ARRAY(SELECT slice_id FROM take WHERE got = size))),
    granted AS (
        INSERT INTO grants (worker_id, host_id, rank, tag, job_id, image_nos)
        SELECT %(worker_id)s, host_id, rank, tag, job_id, image_nos[1:got] FROM take
        RETURNING grant_id, host_id, rank, job_id, image_nos)
    SELECT g.grant_id, g.host_id, g.rank, g.job_id, j.depth, j.started_at IS NOT NULL, j.has_credentials,
        j.is_analysis, j.traceparent, i.numbers, i.urls,
        CASE WHEN j.retries > 0 THEN (
            SELECT array_agg((
                SELECT count(*) FROM earlier_results e WHERE e.job_id = g.job_id AND e.image_no = n.no)
                ORDER BY n.place)
            FROM unnest(i.numbers) WITH ORDINALITY AS n (no, place)) END
    FROM granted g
    CROSS JOIN LATERAL (
        SELECT depth, retries, started_at, has_credentials, is_analysis, traceparent FROM jobs
        WHERE job_id = g.job_id OFFSET 0) j
    CROSS JOIN LATERAL (
        SELECT array_agg(image_no ORDER BY image_no) AS numbers,
            array_agg(image_url ORDER BY image_no) AS urls
        FROM (
            SELECT image_no, image_url FROM images
            WHERE job_id = g.job_id AND image_no = ANY(g.image_nos) OFFSET 0) image) i
"""
# Locked in the order in which everybody locks jobs.
_START = """
    UPDATE jobs j SET started_at = now()
    FROM (
        SELECT job_id FROM jobs WHERE job_id = ANY(%s) AND started_at IS NULL AND status = 'ongoing'
        ORDER BY job_id FOR NO KEY UPDATE) fresh
    WHERE j.job_id = fresh.job_id
    RETURNING j.job_id, extract(epoch FROM now() - j.submitted_at)::float8
"""
# A cancel locks the job first, and then finds each of its images in one place or the other.
LOCK_JOBS = """
    SELECT job_id FROM jobs WHERE job_id = ANY(%s) AND status = 'ongoing' ORDER BY job_id FOR KEY SHARE
"""
_HAND_BACK = """
    WITH given AS MATERIALIZED (
        SELECT * FROM unnest(%(grant_ids)s::bigint[], %(host_ids)s::int[], %(image_nos)s::int[])
            AS given (grant_id, host_id, image_no)),
    held AS MATERIALIZED (
        SELECT g.* FROM grants g
        WHERE g.worker_id = %(worker_id)s AND g.grant_id = ANY(%(grant_ids)s) ORDER BY grant_id FOR UPDATE),
    back AS (
        INSERT INTO slices (host_id, rank, tag, job_id, image_nos)
        SELECT given.host_id, held.rank, CASE WHEN given.host_id = held.host_id THEN held.tag ELSE coalesce((
                SELECT w.tag FROM slices w WHERE w.host_id = given.host_id AND w.rank = held.rank
                ORDER BY w.host_id, w.rank, w.tag, w.slice_id LIMIT 1), 0) END,
            held.job_id, array_agg(image_no ORDER BY image_no)
        FROM held JOIN given USING (grant_id)
        WHERE held.job_id = ANY(%(job_ids)s) AND given.image_no = ANY(held.image_nos)
        GROUP BY given.host_id, held.host_id, held.rank, held.tag, held.job_id, held.grant_id),
    kept AS MATERIALIZED (
        SELECT grant_id, ARRAY(
            SELECT no FROM unnest(image_nos) no
            WHERE no NOT IN (SELECT image_no FROM given WHERE given.grant_id = held.grant_id)) AS image_nos
        FROM held),
    fewer AS (
        UPDATE grants g SET image_nos = kept.image_nos FROM kept
        WHERE g.grant_id = kept.grant_id AND kept.image_nos <> '{}'),
    gone AS (
        DELETE FROM grants WHERE grant_id = ANY(ARRAY(SELECT grant_id FROM kept WHERE image_nos = '{}')))
    SELECT count(*) FROM held
"""
DROP_GRANTS = "DELETE FROM grants WHERE grant_id = ANY(%s)"
"""What a worker has settled to the end is in its hands no more."""


class ClaimRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How many images a worker wants of a host, and how many slices it may lock to find them."""

    room: int
    slices: int


class Granted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Images of one job at one host that were given to a worker; whether the job has its own credentials.

    `is_analysis`: they are photos of other jobs, whose results get what is found. `traceparent`: by what a
    worker goes on with the trace of the job, if that is recorded.
    """

    grant_id: int
    host_id: int
    rank: int
    job_id: UUID
    depth: Depth
    is_started: bool
    has_credentials: bool = False
    is_analysis: bool = False
    traceparent: str | None = None
    images: list[PendingImage]


class ReturnedImage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An image that a worker gives back, and the host at which it should wait."""

    grant_id: int
    host_id: int
    image_no: int


async def claim(connection: Connection, worker_id: int, asks: Mapping[int, ClaimRequest]) -> list[Granted]:
    """Gives a worker images of hosts; the cost goes by what is given, not by what waits."""
    parameters = {
        "worker_id": worker_id,
        "host_ids": list(asks),
        "rooms": [ask.room for ask in asks.values()],
        "slices": [ask.slices for ask in asks.values()],
    }
    cursor = await connection.execute(_CLAIM, parameters, prepare=True)
    return [_granted(*row) for row in await cursor.fetchall()]


def _granted(
    grant_id: int,
    host_id: int,
    rank: int,
    job_id: UUID,
    depth: str,
    is_started: bool,
    has_credentials: bool,
    is_analysis: bool,
    traceparent: str | None,
    numbers: list[int] | None,
    urls: list[str] | None,
    earlier: list[int] | None,
) -> Granted:
    return Granted(
        grant_id=grant_id,
        host_id=host_id,
        rank=rank,
        job_id=job_id,
        depth=Depth(depth),
        is_started=is_started,
        has_credentials=has_credentials,
        is_analysis=is_analysis,
        traceparent=traceparent,
        images=_pending(numbers or [], urls or [], earlier),
    )


def _pending(numbers: list[int], urls: list[str], earlier: list[int] | None) -> list[PendingImage]:
    if earlier is None:
        return [
            PendingImage(image_no=number, image_url=url) for number, url in zip(numbers, urls, strict=True)
        ]
    return [
        PendingImage(image_no=number, image_url=url, earlier=count)
        for number, url, count in zip(numbers, urls, earlier, strict=True)
    ]


async def start_jobs(connection: Connection, job_ids: Collection[UUID]) -> dict[UUID, float]:
    """Notes that the first images of jobs are in work; how many seconds those waited that had not begun."""
    cursor = await connection.execute(_START, [sorted(job_ids)])
    return dict(await cursor.fetchall())


async def close_grants(connection: Connection, grant_ids: Sequence[int]) -> None:
    """Removes grants whose images are all settled or given back."""
    await connection.execute(DROP_GRANTS, [list(grant_ids)])


async def hand_back(
    connection: Connection, worker_id: int, images: Sequence[ReturnedImage], job_ids: Collection[UUID]
) -> None:
    """Puts images of a worker back in line, in the transaction of `connection`.

    If they wait at the host that they came from, they are first again. Images of jobs that have ended are
    dropped; `job_ids` are the jobs of all of them.
    """
    cursor = await connection.execute(LOCK_JOBS, [sorted(job_ids)])
    ongoing = [job_id for (job_id,) in await cursor.fetchall()]
    parameters = {
        "worker_id": worker_id,
        "job_ids": ongoing,
        "grant_ids": [image.grant_id for image in images],
        "host_ids": [image.host_id for image in images],
        "image_nos": [image.image_no for image in images],
    }
    await connection.execute(_HAND_BACK, parameters)
