"""Puts images in line at their hosts: those of a job in memory, and those that are stored already.

A job with very many hosts and a few images at each would need a row for each: such images go into buckets
by a hash of their host, which a worker sorts as it claims them.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg import sql

from retailpulse.storage.database import Connection
from retailpulse.storage.joining import joined_by_hash
from retailpulse.storage.scheduling.hosts import find_hosts
from retailpulse.storage.scheduling.notifications import notify_hosts

OriginOf = Callable[[str], str | None]
"""Names the host of a URL as `fetch` will ask it; None for a URL that nobody will ask."""
SLICE_IMAGES = 128
BUCKETS = 64
FEW_IMAGES = 4
"""A host with so few images of a job shares a bucket, where the job has many hosts."""
MANY_HOSTS = 2_048
_BLOCK_ROWS = 2_000

_TAG_AT_HEAD = sql.SQL("""
    coalesce((
        SELECT w.tag FROM slices w
        WHERE w.host_id = {host_id} AND w.rank = %(rank)s AND w.job_id <> %(job_id)s
        ORDER BY w.host_id, w.rank, w.tag, w.slice_id LIMIT 1), 0)
""")
"""The virtual time of a host: a new job begins beside whoever is next there."""
_INSERT = sql.SQL("""
    INSERT INTO slices (host_id, rank, tag, job_id, image_nos)
    SELECT host_id, %(rank)s, place + {tag}, %(job_id)s, image_nos::int[]
    FROM unnest(%(host_ids)s::int[], %(places)s::bigint[], %(image_nos)s::text[])
        AS new (host_id, place, image_nos)
""").format(tag=_TAG_AT_HEAD.format(host_id=sql.SQL("new.host_id")))

# Whatever stands before the path; whether that is a host, and which, is Python's to say.
_KEY = sql.SQL("split_part(i.image_url, '/', 1) || '//' || split_part(i.image_url, '/', 3)")
_ALL = sql.SQL("""
    images i JOIN visits v ON v.job_id = i.job_id AND v.visit_no = i.visit_no AND v.store_known
    WHERE i.job_id = %(job_id)s AND i.same_as IS NULL
""")
_RETRIED = sql.SQL("""
    (SELECT image_no FROM earlier_results WHERE job_id = %(job_id)s AND retry_no = %(retry_no)s) e
    CROSS JOIN LATERAL (
        SELECT * FROM images WHERE job_id = %(job_id)s AND image_no = e.image_no OFFSET 0) i
    WHERE i.same_as IS NULL AND NOT EXISTS (
        SELECT FROM results r WHERE r.job_id = %(job_id)s AND r.image_no = i.image_no OFFSET 0)
""")
_MISSING = sql.SQL("""
    images i JOIN visits v ON v.job_id = i.job_id AND v.visit_no = i.visit_no AND v.store_known
    LEFT JOIN results r ON r.job_id = i.job_id AND r.image_no = i.image_no
    LEFT JOIN (
        SELECT unnest(image_nos) AS image_no FROM slices WHERE job_id = %(job_id)s
        UNION ALL
        SELECT unnest(image_nos) FROM grants WHERE job_id = %(job_id)s) w ON w.image_no = i.image_no
    WHERE i.job_id = %(job_id)s AND i.same_as IS NULL AND r.image_no IS NULL AND w.image_no IS NULL
""")
_COUNT_KEYS = sql.SQL("SELECT {key}, count(*) FROM {images} GROUP BY 1")
_CUT = sql.SQL("""
    INSERT INTO slices (host_id, rank, tag, job_id, image_nos)
    SELECT host_id, %(rank)s, min(place) + {tag}, %(job_id)s, array_agg(image_no ORDER BY image_no)
    FROM (
        SELECT host.host_id, image_no,
            row_number() OVER (PARTITION BY host.host_id ORDER BY image_no) - 1 AS place
        FROM (SELECT i.image_no, {key} AS key FROM {images}) image
        JOIN unnest(%(keys)s::text[], %(host_ids)s::int[]) AS host (key, host_id) USING (key)) placed
    GROUP BY host_id, place / {size}
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class JobPlace:
    """A job as its slices name it, and how the hosts of its images are named."""

    job_id: UUID
    priority: int
    origin_of: OriginOf


async def enqueue_images(connection: Connection, job: JobPlace, images: Iterable[tuple[int, str]]) -> None:
    """Puts images in line, given as numbers in ascending order with their URLs."""
    of_origin: dict[str, list[int]] = {}
    for image_no, url in images:
        of_origin.setdefault(job.origin_of(url) or "", []).append(image_no)
    if not of_origin:
        return
    host_of = await _place(connection, {origin: len(numbers) for origin, numbers in of_origin.items()})
    of_host: dict[int, list[int]] = {}
    for origin, numbers in of_origin.items():
        of_host.setdefault(host_of[origin], []).extend(numbers)
    rows = [
        (host_id, start, _array(numbers[start : start + SLICE_IMAGES]))
        for host_id, numbers in of_host.items()
        for start in range(0, len(numbers), SLICE_IMAGES)
    ]
    for first in range(0, len(rows), _BLOCK_ROWS):
        host_ids, places, image_nos = zip(*rows[first : first + _BLOCK_ROWS], strict=True)
        parameters = {"host_ids": list(host_ids), "places": list(places), "image_nos": list(image_nos)}
        # Planned each time: a plan from when little waited would read all that waits.
        await connection.execute(_INSERT, {**parameters, **_named(job)}, prepare=False)
    await notify_hosts(connection, of_host)


async def enqueue_stored(connection: Connection, job: JobPlace) -> None:
    """Puts all images of a job in line whose rows have just been written."""
    await _enqueue(connection, job, _ALL, {})


async def enqueue_retried(connection: Connection, job: JobPlace, retry_no: int) -> None:
    """Puts the images in line whose results a retry has taken back."""
    await _enqueue(connection, job, _RETRIED, {"retry_no": retry_no})


async def enqueue_missing(connection: Connection, job: JobPlace) -> int:
    """Puts the images of a job in line that should wait and do not; returns how many."""
    return await _enqueue(connection, job, _MISSING, {})


async def drop_waiting(connection: Connection, job_ids: Sequence[UUID]) -> None:
    """Takes jobs out of line and out of the hands of their workers.

    Who moves images between the two shares the rows of their jobs, so these are locked first. A claim shares
    nothing: it is waited for where it holds a slice, and what it took is found among the grants.
    """
    given = [list(job_ids)]
    await connection.execute("SELECT FROM jobs WHERE job_id = ANY(%s) ORDER BY job_id FOR UPDATE", given)
    await connection.execute("DELETE FROM slices WHERE job_id = ANY(%s)", given, prepare=False)
    await connection.execute("DELETE FROM grants WHERE job_id = ANY(%s)", given, prepare=False)


async def _enqueue(
    connection: Connection, job: JobPlace, images: sql.Composable, more: Mapping[str, int]
) -> int:
    parameters = {**_named(job), **more}
    async with joined_by_hash(connection):
        counting = _COUNT_KEYS.format(key=_KEY, images=images)
        cursor = await connection.execute(counting, parameters, prepare=False)
        counts: dict[str, int] = dict(await cursor.fetchall())
        origin_of = {key: job.origin_of(f"{key}/") or "" for key in counts}
        of_origin: Counter[str] = Counter()
        for key, count in counts.items():
            of_origin[origin_of[key]] += count
        host_of = await _place(connection, of_origin)
        host_ids = [host_of[origin_of[key]] for key in counts]
        tag = _TAG_AT_HEAD.format(host_id=sql.SQL("placed.host_id"))
        cutting = _CUT.format(key=_KEY, images=images, tag=tag, size=sql.Literal(SLICE_IMAGES))
        await connection.execute(
            cutting, {**parameters, "keys": list(counts), "host_ids": host_ids}, prepare=False
        )
    await notify_hosts(connection, host_ids)
    return sum(counts.values())


async def _place(connection: Connection, counts: Mapping[str, int]) -> dict[str, int]:
    """For each origin with so many images the id of its host, or of its bucket."""
    has_many = len(counts) >= MANY_HOSTS
    own = [origin for origin, count in counts.items() if origin and not (has_many and count <= FEW_IMAGES)]
    placed = await find_hosts(connection, own)
    for origin in counts.keys() - placed.keys():
        placed[origin] = -1 - zlib.crc32(origin.encode()) % BUCKETS
    return placed


def _array(numbers: Sequence[int]) -> str:
    """Numbers as PostgreSQL writes an array: many in one parameter are read in one go."""
    return f"{{{','.join(map(str, numbers))}}}"


def _named(job: JobPlace) -> dict[str, UUID | int]:
    return {"job_id": job.job_id, "rank": -job.priority}
