"""Puts images in line at their hosts: those of a job in memory, and those that are stored already.

A job with very many hosts and a few images at each would need a row for each: such images go into buckets
by a hash of their host, which a worker sorts as it claims them.
"""

import math
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg import sql

from retailpulse.storage.database import Connection
from retailpulse.storage.joining import joined_by_hash
from retailpulse.storage.scheduling.hosts import find_hosts
from retailpulse.storage.scheduling.notifications import notify_hosts

OriginOf = Callable[[str], str | None]
"""Names the host of a URL as `fetch` will ask it; None for a URL that nobody will ask."""
FEWEST_IMAGES, MOST_IMAGES = 8, 128
"""A slice holds so many images. A job has some slices at each host, so that several workers find one while
others hold theirs."""
_SLICES = 16
BUCKETS = 64
FEW_IMAGES = 4
"""A host with so few images of a job shares a bucket, where the job has many hosts."""
MANY_HOSTS = 2_048
_BLOCK_ROWS = 2_000
_MOST_AHEAD = sql.Literal(64)

# As start-time fair queueing has it, the tag of the oldest that is in work; but one that hangs must not give
# those who come later more than a host's slots ahead of the others.
_TAG_AT_HEAD = sql.SQL("""
    coalesce((
        SELECT greatest(w.tag - {most}, least(w.tag, (
            SELECT g.tag FROM grants g WHERE g.host_id = {host_id} AND g.rank = %(rank)s
            ORDER BY g.host_id, g.rank, g.tag LIMIT 1)))
        FROM slices w
        WHERE w.host_id = {host_id} AND w.rank = %(rank)s AND w.job_id <> %(job_id)s
        ORDER BY w.host_id, w.rank, w.tag, w.slice_id LIMIT 1), 0)
""")
"""The virtual time of a host: a new job begins beside whoever is next there."""
_INSERT = sql.SQL("""
    INSERT INTO slices (host_id, rank, tag, job_id, image_nos)
    SELECT host_id, %(rank)s, place + {tag}, %(job_id)s, image_nos::int[]
    FROM unnest(%(host_ids)s::int[], %(places)s::bigint[], %(image_nos)s::text[])
        AS new (host_id, place, image_nos)
""").format(tag=_TAG_AT_HEAD.format(host_id=sql.SQL("new.host_id"), most=_MOST_AHEAD))

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
# A worker may hold the rest of a grant still: these images of it wait in line now.
_WITHDRAW = """
    WITH held AS MATERIALIZED (
        SELECT grant_id, image_nos FROM grants WHERE job_id = %(job_id)s ORDER BY grant_id FOR UPDATE),
    kept AS MATERIALIZED (
        SELECT grant_id, cardinality(image_nos) AS size, ARRAY(
            SELECT no FROM unnest(image_nos) no
            WHERE NOT EXISTS (
                SELECT FROM earlier_results e
                WHERE e.job_id = %(job_id)s AND e.image_no = no AND e.retry_no = %(retry_no)s OFFSET 0)
            ) AS image_nos
        FROM held),
    fewer AS (
        UPDATE grants g SET image_nos = kept.image_nos FROM kept
        WHERE g.grant_id = kept.grant_id AND cardinality(kept.image_nos) BETWEEN 1 AND kept.size - 1)
    DELETE FROM grants WHERE grant_id = ANY(ARRAY(SELECT grant_id FROM kept WHERE image_nos = '{}'))
"""
_COUNT_KEYS = sql.SQL("SELECT {key}, count(*) FROM {images} GROUP BY 1")
_CUT = sql.SQL("""
    INSERT INTO slices (host_id, rank, tag, job_id, image_nos)
    SELECT host_id, %(rank)s, min(place) + {tag}, %(job_id)s, array_agg(image_no ORDER BY image_no)
    FROM (
        SELECT host.host_id, image_no,
            row_number() OVER (PARTITION BY host.host_id ORDER BY image_no) - 1 AS place,
            least({most_images}, greatest({fewest_images},
                ceil(count(*) OVER (PARTITION BY host.host_id) / {slices}::float8)))::bigint AS size
        FROM (SELECT i.image_no, {key} AS key FROM {images}) image
        JOIN unnest(%(keys)s::text[], %(host_ids)s::int[]) AS host (key, host_id) USING (key)) placed
    GROUP BY host_id, place / size
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class JobPlace:
    """A job as its slices name it, and how the hosts of its images are named."""

    job_id: UUID
    priority: int
    origin_of: OriginOf


class Line:
    """Gathers the images of a job that are to wait, by host, while their rows are written.

    Compact, as a job may have as many hosts as images.
    """

    def __init__(self, job: JobPlace) -> None:
        self._job = job
        self._of_origin: dict[str, array[int]] = {}

    def add(self, image_no: int, url: str) -> None:
        """Takes an image; numbers come in ascending order."""
        origin = self._job.origin_of(url) or ""
        numbers = self._of_origin.get(origin)
        if numbers is None:
            numbers = self._of_origin[origin] = array("i")
        numbers.append(image_no)

    async def enqueue(self, connection: Connection) -> None:
        """Puts all of them in line, in the transaction of `connection`."""
        of_host = await self._by_host(connection)
        rows = [
            (host_id, start, _array(numbers[start : start + size]))
            for host_id, numbers in of_host.items()
            for size in [_slice_size(len(numbers))]
            for start in range(0, len(numbers), size)
        ]
        for first in range(0, len(rows), _BLOCK_ROWS):
            host_ids, places, image_nos = zip(*rows[first : first + _BLOCK_ROWS], strict=True)
            parameters = {"host_ids": list(host_ids), "places": list(places), "image_nos": list(image_nos)}
            # Planned each time: a plan from when little waited would read all that waits.
            await connection.execute(_INSERT, {**parameters, **_named(self._job)}, prepare=False)
        await notify_hosts(connection, of_host, rank=-self._job.priority)

    async def _by_host(self, connection: Connection) -> dict[int, list[int]]:
        origins = len(self._of_origin)
        own = [
            origin for origin, numbers in self._of_origin.items() if _is_own(origin, len(numbers), origins)
        ]
        placed = await find_hosts(connection, own)
        of_host: dict[int, list[int]] = {}
        while self._of_origin:  # what is placed is let go of
            origin, numbers = self._of_origin.popitem()
            host_id = placed.get(origin) or _bucket(origin)
            of_host.setdefault(host_id, []).extend(numbers)
        for waiting in of_host.values():
            waiting.sort()
        return of_host


async def enqueue_stored(connection: Connection, job: JobPlace) -> None:
    """Puts all images of a job in line whose rows have just been written."""
    await _enqueue(connection, job, _ALL, {})


async def enqueue_retried(connection: Connection, job: JobPlace, retry_no: int) -> None:
    """Puts the images of a job in line whose results a retry of this number has taken back."""
    await _enqueue(connection, job, _RETRIED, {"retry_no": retry_no})
    withdrawn = {"job_id": job.job_id, "retry_no": retry_no}
    await connection.execute(_WITHDRAW, withdrawn, prepare=False)


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
        tag = _TAG_AT_HEAD.format(host_id=sql.SQL("placed.host_id"), most=_MOST_AHEAD)
        cutting = _CUT.format(
            key=_KEY,
            images=images,
            tag=tag,
            fewest_images=FEWEST_IMAGES,
            most_images=MOST_IMAGES,
            slices=_SLICES,
        )
        await connection.execute(
            cutting, {**parameters, "keys": list(counts), "host_ids": host_ids}, prepare=False
        )
    await notify_hosts(connection, host_ids, rank=-job.priority)
    return sum(counts.values())


async def _place(connection: Connection, counts: Mapping[str, int]) -> dict[str, int]:
    """For each origin with so many images the id of its host, or of its bucket."""
    own = [origin for origin, count in counts.items() if _is_own(origin, count, len(counts))]
    placed = await find_hosts(connection, own)
    for origin in counts.keys() - placed.keys():
        placed[origin] = _bucket(origin)
    return placed


def _is_own(origin: str, images: int, origins: int) -> bool:
    """Whether an origin with so many images of a job, beside so many others, has a line of its own."""
    return bool(origin) and not (origins >= MANY_HOSTS and images <= FEW_IMAGES)


def _bucket(origin: str) -> int:
    return -1 - zlib.crc32(origin.encode()) % BUCKETS


def _slice_size(images: int) -> int:
    """How many of a job's images at a host are in one slice."""
    return min(MOST_IMAGES, max(FEWEST_IMAGES, math.ceil(images / _SLICES)))


def _array(numbers: Sequence[int]) -> str:
    """Numbers as PostgreSQL writes an array: many in one parameter are read in one go."""
    return f"{{{','.join(map(str, numbers))}}}"


def _named(job: JobPlace) -> dict[str, UUID | int]:
    return {"job_id": job.job_id, "rank": -job.priority}
