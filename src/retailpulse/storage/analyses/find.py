"""Finds photos that new or changed analyzers have not looked at, among those that were measured before.

Jobs are walked from the newest on, and their results by ranges of their key, so that one statement reads a
bounded number of rows, whatever there is. Weak: a photo at one URL in several jobs is found in each of them.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from psycopg import sql

from retailpulse.domain.analysis import MAX_VERSION, SLOT_BITS, SLOTS
from retailpulse.domain.images import Cause, Depth
from retailpulse.domain.jobs import JobStatus
from retailpulse.storage.postgres.database import Connection

WINDOW_IMAGES = 5_000
"""How many results one statement reads at most, which is how long its rows keep the event loop, too."""
_JOBS_AT_ONCE = 200

# State by state along an index, as lists of jobs are.
_JOBS = sql.SQL("""
    SELECT job_id, submitted_at, images, has_credentials
    FROM unnest(%(statuses)s::text[]) AS of_status (wanted) CROSS JOIN LATERAL (
        SELECT * FROM jobs WHERE status = of_status.wanted AND measured > 0 AND {wanted}
            AND (%(time)s::timestamptz IS NULL OR (submitted_at, job_id) <= (%(time)s, %(job_id)s::uuid))
        ORDER BY submitted_at DESC, job_id DESC LIMIT %(limit)s) found
    ORDER BY submitted_at DESC, job_id DESC LIMIT %(limit)s
""")
_IN_REACH = sql.SQL("""
    SELECT coalesce(sum(images), 0)::bigint FROM jobs
    WHERE status = ANY(%(statuses)s) AND measured > 0 AND {wanted}
""")
_WANTED = sql.SQL("""
    NOT is_analysis AND (%(since)s::timestamptz IS NULL OR submitted_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR submitted_at < %(until)s)
    AND (%(only)s::uuid IS NULL OR job_id = %(only)s) AND (%(depth)s::text IS NULL OR depth = %(depth)s)
""")
WAITS = sql.SQL("""
    EXISTS (
        SELECT FROM analysis_images a CROSS JOIN LATERAL (
            SELECT FROM jobs WHERE job_id = a.job_id AND status = 'ongoing' OFFSET 0) j
        WHERE a.of_job_id = {job_id} AND a.of_image_no = {image_no} AND a.became IS NULL OFFSET 0)
""")
"""Whether a photo waits to be looked at again already; looked up by index for each, never joined."""
# By the same index, as what failed became nothing.
_FAILED = sql.SQL("""
    EXISTS (
        SELECT FROM analysis_images a
        CROSS JOIN LATERAL (
            SELECT FROM results
            WHERE job_id = a.job_id AND image_no = a.image_no AND outcome = 'failed'
              AND NOT cause = ANY(%(forgiven)s::text[]) OFFSET 0) f
        CROSS JOIN LATERAL (SELECT FROM jobs WHERE job_id = a.job_id AND NOT ({lacking}) OFFSET 0) j
        WHERE a.of_job_id = w.job_id AND a.of_image_no = r.image_no AND a.became IS NULL OFFSET 0)
""")
# The rows of each range are looked up by key, and so is the URL of each that is found.
_PHOTOS = sql.SQL("""
    SELECT w.job_id, r.image_no, i.image_url, {failed}
    FROM unnest(%(job_ids)s::uuid[], %(firsts)s::int[], %(lasts)s::int[])
        WITH ORDINALITY AS w (job_id, first_no, last_no, place)
    CROSS JOIN LATERAL (
        SELECT image_no FROM results
        WHERE job_id = w.job_id AND image_no BETWEEN w.first_no AND w.last_no AND outcome = 'measured'
          AND ({lacking}) OFFSET 0) r
    CROSS JOIN LATERAL (
        SELECT image_url FROM images
        WHERE job_id = w.job_id AND image_no = r.image_no AND same_as IS NULL OFFSET 0) i
    WHERE NOT {waits}
    ORDER BY w.place, r.image_no
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoFilter:
    """Which photos are looked for: of jobs submitted from `since` up to before `until`, or of one job.

    `versions` are the analyzers that should have looked at them. Without `all_depths`, only jobs whose depth
    is decode: others have no numbers, and may not need any. Without `failed_too`, photos are left out at
    which an analysis for the same versions failed; with `has_credentials`, not those that lacked these.
    """

    versions: Mapping[str, int]
    since: datetime | None = None
    until: datetime | None = None
    job_id: UUID | None = None
    all_depths: bool = False
    failed_too: bool = False
    has_credentials: bool = False


class Photo(NamedTuple):
    """A photo to look at again: the image of a job, and whether credentials that are gone opened it."""

    job_id: UUID
    image_no: int
    image_url: str
    had_credentials: bool


class Reached(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """How far the jobs were looked through: all before this job, and in it the images up to a number."""

    submitted_at: datetime
    job_id: UUID
    image_no: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a look found, in how many images; `reached` is where to go on, None at the end.

    `left_out` is how many photos need it, but an analysis has failed at them.
    """

    photos: list[Photo]
    left_out: int
    looked_at: int
    reached: Reached | None


class _Range(NamedTuple):
    job_id: UUID
    first_no: int
    last_no: int
    submitted_at: datetime
    had_credentials: bool


Connect = Callable[[], AbstractAsyncContextManager[Connection]]
"""Lends a connection for one statement."""


async def count_in_reach(connection: Connection, wanted: PhotoFilter) -> int:
    """How many images there are in the jobs that are looked through, whatever was found out about them."""
    cursor = await connection.execute(_IN_REACH.format(wanted=_WANTED), _values(wanted), prepare=False)
    ((images,),) = await cursor.fetchall()
    return int(images)


async def find_photos(
    connect: Connect, wanted: PhotoFilter, *, after: Reached | None, most_photos: int, most_looked_at: int
) -> Found:
    """The next photos after a place, until there are enough of them or enough images were looked at."""
    photos: list[Photo] = []
    left_out = looked_at = 0
    async for window in _windows(connect, wanted, after):
        room = most_photos - len(photos)
        async with connect() as connection:
            found, failed = await _look(connection, wanted, window, room)
        photos += found
        left_out += failed
        seen = _up_to(found[-1], window) if len(found) == room else window
        looked_at += sum(part.last_no - part.first_no + 1 for part in seen)
        last = seen[-1]
        if len(photos) == most_photos or looked_at >= most_looked_at:
            reached = Reached(submitted_at=last.submitted_at, job_id=last.job_id, image_no=last.last_no)
            return Found(photos=photos, left_out=left_out, looked_at=looked_at, reached=reached)
    return Found(photos=photos, left_out=left_out, looked_at=looked_at, reached=None)


def _up_to(photo: Photo, window: Sequence[_Range]) -> list[_Range]:
    """What of a window was looked at if this photo was the last one to be taken."""
    place = next(number for number, part in enumerate(window) if part.job_id == photo.job_id)
    return [*window[:place], window[place]._replace(last_no=photo.image_no)]


async def _look(
    connection: Connection, wanted: PhotoFilter, window: Sequence[_Range], most: int
) -> tuple[list[Photo], int]:
    """The photos of a window, and how many are left out before the last of them."""
    lacking = _lacking("analysis_versions", wanted.versions)
    statement = _PHOTOS.format(
        lacking=_lacking("analyzed", wanted.versions),
        failed=sql.SQL("false") if wanted.failed_too else _FAILED.format(lacking=lacking),
        waits=WAITS.format(job_id=sql.SQL("w.job_id"), image_no=sql.SQL("r.image_no")),
    )
    values = {
        "job_ids": [part.job_id for part in window],
        "firsts": [part.first_no for part in window],
        "lasts": [part.last_no for part in window],
        "forgiven": [Cause.NO_CREDENTIALS] if wanted.has_credentials else [],
    }
    # Planned each time: a plan from when the tables were small would read them whole.
    cursor = await connection.execute(statement, values, prepare=False)
    private = {part.job_id for part in window if part.had_credentials}
    photos: list[Photo] = []
    left_out = 0
    for job_id, image_no, url, has_failed in await cursor.fetchall():
        if has_failed:
            left_out += 1
            continue
        photos.append(Photo(job_id, image_no, url, job_id in private))
        if len(photos) == most:
            break
    return photos, left_out


async def _windows(
    connect: Connect, wanted: PhotoFilter, after: Reached | None
) -> AsyncIterator[list[_Range]]:
    """The images of the jobs from a place on, in ranges that one statement can read together."""
    window: list[_Range] = []
    size = 0
    async for job in _jobs(connect, wanted, after):
        for part in _ranges(*job, first_no=after.image_no + 1 if after and after.job_id == job[0] else 1):
            if size + part.last_no - part.first_no >= WINDOW_IMAGES or len(window) == _JOBS_AT_ONCE:
                yield window
                window, size = [], 0
            window.append(part)
            size += part.last_no - part.first_no + 1
    if window:
        yield window


def _ranges(
    job_id: UUID, submitted_at: datetime, images: int, had_credentials: bool, *, first_no: int
) -> Iterator[_Range]:
    for first in range(first_no, images + 1, WINDOW_IMAGES):
        yield _Range(job_id, first, min(images, first + WINDOW_IMAGES - 1), submitted_at, had_credentials)


async def _jobs(
    connect: Connect, wanted: PhotoFilter, after: Reached | None
) -> AsyncIterator[tuple[UUID, datetime, int, bool]]:
    """The jobs from a place on, that of the place first."""
    statement = _JOBS.format(wanted=_WANTED)
    place = None if after is None else (after.submitted_at, after.job_id)
    is_new = True
    while True:
        time, job_id = place or (None, None)
        values = {**_values(wanted), "time": time, "job_id": job_id, "limit": _JOBS_AT_ONCE}
        async with connect() as connection:
            jobs = await (await connection.execute(statement, values, prepare=False)).fetchall()
        for job in jobs:
            if is_new or job[0] != job_id:
                yield job
        if len(jobs) < _JOBS_AT_ONCE:
            return
        is_new, place = False, (jobs[-1][1], jobs[-1][0])


def _values(wanted: PhotoFilter) -> dict[str, object]:
    return {
        "statuses": list(JobStatus),
        "since": wanted.since,
        "until": wanted.until,
        "only": wanted.job_id,
        "depth": None if wanted.all_depths else Depth.DECODE,
    }


def _lacking(column: str, versions: Mapping[str, int]) -> sql.Composable:
    """Whether the versions in a column are older than any of these, or none."""
    older = [
        sql.SQL("(coalesce({column}, 0) >> {shift} & {mask}) < {version}").format(
            column=sql.Identifier(column),
            shift=sql.Literal(SLOTS[name] * SLOT_BITS),
            mask=sql.Literal(MAX_VERSION),
            version=sql.Literal(version),
        )
        for name, version in versions.items()
    ]
    return sql.SQL(" OR ").join(older) if older else sql.SQL("false")
