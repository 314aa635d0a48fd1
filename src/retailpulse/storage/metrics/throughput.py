"""What the service has done lately and what waits: from counters and small tables alone.

The counters are moved by a trigger on results (migration 0008), a row for each minute and
session; old ones are added up in the pruning.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from retailpulse.domain.jobs import JobStatus
from retailpulse.domain.scaling import ScalingGoal
from retailpulse.storage.metrics.demand import read_demand
from retailpulse.storage.metrics.totals import read_backlog
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.scheduling import workers

KEPT = timedelta(hours=25)
"""How long counters are kept: a day, and the rest of a minute."""

_SETTLED = """
    SELECT outcome, cause, sum(images)::bigint, sum(bytes)::bigint,
        coalesce(sum(images) FILTER (WHERE minute > now() - interval '1 hour'), 0)::bigint,
        coalesce(sum(bytes) FILTER (WHERE minute > now() - interval '1 hour'), 0)::bigint
    FROM settled_minutes WHERE minute > now() - interval '1 day'
    GROUP BY outcome, cause ORDER BY 3 DESC, outcome, cause
"""
# The minute that goes on and the one before it: its own first seconds would tell a rate at random.
_RATE = """
    SELECT coalesce(sum(images), 0)::float
        / extract(epoch FROM now() - date_trunc('minute', now()) + interval '1 minute')::float
    FROM settled_minutes WHERE minute >= date_trunc('minute', now()) - interval '1 minute'
"""
_PERIODS = """
    SELECT begins, coalesce(sum(images) FILTER (WHERE outcome = 'measured'), 0)::bigint,
        coalesce(sum(images) FILTER (WHERE outcome = 'failed'), 0)::bigint
    FROM generate_series(0, %(periods)s - 1) place
    CROSS JOIN LATERAL (
        SELECT date_trunc('minute', now()) - make_interval(mins => %(minutes)s * (%(periods)s - place) - 1)
            AS begins) period
    LEFT JOIN settled_minutes
        ON minute >= begins AND minute < begins + make_interval(mins => %(minutes)s)
    GROUP BY begins ORDER BY begins
"""
# In the order of the key, in which another process that adds up would lock them.
_FOLD = """
    WITH old AS (
        DELETE FROM settled_minutes WHERE (minute, session, outcome, cause, depth) IN (
            SELECT minute, session, outcome, cause, depth FROM settled_minutes
            WHERE minute < now() - %s::interval ORDER BY minute LIMIT %s)
        RETURNING outcome, cause, depth, images),
    added AS (
        INSERT INTO settled_totals AS t (outcome, cause, depth, images)
        SELECT outcome, cause, depth, sum(images) FROM old GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        ON CONFLICT (outcome, cause, depth) DO UPDATE SET images = t.images + excluded.images)
    SELECT count(*) FROM old
"""
_JOBS = "SELECT status, sum(jobs)::bigint FROM job_counts WHERE NOT is_analysis GROUP BY status"
# What a session is writing at this moment is added up another time.
_FOLD_JOBS = """
    WITH old AS (
        DELETE FROM job_counts WHERE (status, is_analysis, session) IN (
            SELECT status, is_analysis, session FROM job_counts WHERE session <> 0
            ORDER BY status, is_analysis, session LIMIT %s FOR UPDATE SKIP LOCKED)
        RETURNING status, is_analysis, jobs)
    INSERT INTO job_counts AS t (status, is_analysis, session, jobs)
    SELECT status, is_analysis, 0, sum(jobs) FROM old GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (status, is_analysis, session) DO UPDATE SET jobs = t.jobs + excluded.jobs
"""
_OLDEST = """
    SELECT extract(epoch FROM now() - min(coalesce(retried_at, submitted_at)))::float
    FROM jobs WHERE status = 'ongoing' AND NOT is_analysis
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class SettledInPeriod:
    """How many images ended in one way in some time, and the bytes of their files."""

    outcome: str
    cause: str | None
    images: int
    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics:
    """What was settled in the last hour and day, the most frequent first, and what waits.

    `images_per_second` is the rate of the last one to two minutes; `oldest_pending_seconds` is the age of
    the oldest job that goes on, since its submit or its last retry, analyses aside; None if none does.
    `waiting_images` no worker has taken yet; `open_breakers` is how many hosts are left alone as they only
    failed. `jobs` counts jobs by state, without analyses.
    """

    hour: list[SettledInPeriod]
    day: list[SettledInPeriod]
    images_per_second: float
    unsettled_images: int
    waiting_images: int
    open_breakers: int
    oldest_pending_seconds: float | None
    workers: int
    workers_wanted: int
    jobs: dict[JobStatus, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class SettledPeriod:
    """How many images were measured, and how many failed, from a time on."""

    begins_at: datetime
    measured: int
    failed: int


async def read_periods(connection: Connection, *, minutes: int, periods: int) -> list[SettledPeriod]:
    """What was settled in the last periods of so many minutes each, the oldest first."""
    cursor = await connection.execute(_PERIODS, {"minutes": minutes, "periods": periods}, prepare=False)
    return [
        SettledPeriod(begins_at=begins_at, measured=measured, failed=failed)
        for begins_at, measured, failed in await cursor.fetchall()
    ]


async def read_statistics(connection: Connection, stale_seconds: float, scaling: ScalingGoal) -> Statistics:
    """Everything at once; a worker silent for `stale_seconds` is not counted."""
    rows = await (await connection.execute(_SETTLED)).fetchall()
    ((rate,),) = await (await connection.execute(_RATE)).fetchall()
    ((oldest,),) = await (await connection.execute(_OLDEST)).fetchall()
    backlog = await read_backlog(connection)
    demand = await read_demand(connection, backlog, scaling.host_cap)
    counts = await (await connection.execute(_JOBS)).fetchall()
    return Statistics(
        hour=[_settled(*row[:2], *row[4:]) for row in rows if row[4]],
        day=[_settled(*row[:4]) for row in rows],
        images_per_second=round(rate, 1),
        unsettled_images=backlog.images,
        waiting_images=backlog.waiting_images,
        open_breakers=backlog.open_breakers,
        oldest_pending_seconds=None if oldest is None else round(max(oldest, 0.0), 1),
        workers=len(await workers.alive(connection, stale_seconds)),
        workers_wanted=scaling.workers_wanted(demand),
        jobs=dict.fromkeys(JobStatus, 0) | {JobStatus(status): count for status, count in counts},
    )


def _settled(outcome: str, cause: str, images: int, size_bytes: int) -> SettledInPeriod:
    return SettledInPeriod(outcome=outcome, cause=cause or None, images=images, bytes=size_bytes)


async def roll_up_minutes(connection: Connection, limit: int) -> int:
    """Adds the counters of minutes over a day old to the totals; returns how many.

    The counts of jobs by state are added up too, from all sessions.
    """
    await connection.execute(_FOLD_JOBS, [limit])
    cursor = await connection.execute(_FOLD, [KEPT, limit])
    ((folded,),) = await cursor.fetchall()
    return int(folded)
