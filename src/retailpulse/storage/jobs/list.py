"""Lists about jobs: which there are, newest first, and the stores of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from retailpulse.domain.images import Outcome
from retailpulse.domain.jobs import JobStatus
from retailpulse.storage.jobs.read import JOB_COLUMNS, JobRow, job_cursor
from retailpulse.storage.postgres.database import Connection

JobPlace = tuple[datetime, UUID]
"""The position of a job in the list: when it was submitted, and its id."""

# State by state, so that each is read along its index from the newest on, also if only one is wanted.
_JOBS = sql.SQL("""
    SELECT {columns}
    FROM unnest(%(statuses)s::text[]) AS of_status (wanted) CROSS JOIN LATERAL (
        SELECT * FROM jobs WHERE status = of_status.wanted AND is_analysis = %(analyses)s{conditions}
        ORDER BY submitted_at DESC, job_id DESC LIMIT %(limit)s) found
    ORDER BY submitted_at DESC, job_id DESC LIMIT %(limit)s
""")

# Ids that the master does not know may be too long for an index: they are found by their hash.
_OF_STORES: sql.Composable = sql.SQL("""
    job_id IN (
        SELECT job_id FROM visits WHERE store_known AND store_id = ANY(%(store_ids)s)
        UNION
        SELECT job_id FROM visits
        WHERE NOT store_known AND store_id = ANY(%(store_ids)s) AND hashtextextended(store_id, 0) = ANY(
            ARRAY(SELECT hashtextextended(asked, 0) FROM unnest(%(store_ids)s::text[]) asked)))""")

# The page's stores with their visits first, which reads the visits once; then the images of these alone,
# for each visit one range of the results' index.
_STORES = """
    WITH page AS MATERIALIZED (
        SELECT store_id, min(visit_no) AS first_visit_no, sum(images)::bigint AS images,
            array_agg(first_image_no) AS first_nos, array_agg(first_image_no + images - 1) AS last_nos
        FROM visits
        WHERE job_id = %(job_id)s AND (%(store_ids)s::text[] = '{}' OR store_id = ANY(%(store_ids)s))
        GROUP BY store_id HAVING min(visit_no) > %(after)s
        ORDER BY min(visit_no) LIMIT %(limit)s)
    SELECT store_id, first_visit_no, page.images, outcome, cause, ended.images
    FROM page LEFT JOIN LATERAL (
        SELECT outcome, cause, sum(r.images)::bigint AS images
        FROM unnest(first_nos, last_nos) AS range (first_no, last_no) CROSS JOIN LATERAL (
            SELECT outcome, cause, count(*) AS images FROM results
            WHERE job_id = %(job_id)s AND image_no BETWEEN first_no AND last_no
            GROUP BY outcome, cause OFFSET 0) r
        GROUP BY outcome, cause) ended ON true
    ORDER BY first_visit_no, ended.images DESC, cause
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobFilter:
    """Which jobs are asked for; what is empty asks for nothing, of several values each will do.

    `labels` holds the wanted values by the name of each label, and a job must have one for every name;
    submitted from `start` up to before `end`. `name` is the whole name. `cause`: some image of it was not
    measured for that; the jobs are read along until enough have it. With `analyses` only those, else none
    of them.
    """

    name: str | None = None
    statuses: tuple[JobStatus, ...] = ()
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    store_ids: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    cause: str | None = None
    analyses: bool = False


@dataclass(kw_only=True, slots=True)
class JobStoreRow:
    """A store of a job: its images, how many of them ended how, and the causes of those not measured."""

    store_id: str
    first_visit_no: int
    images: int
    outcomes: dict[Outcome, int]
    causes: dict[str, int]


async def read_jobs(
    connection: Connection, wanted: JobFilter, *, after: JobPlace | None, limit: int
) -> Sequence[JobRow]:
    """The next jobs after a place, the newest first."""
    conditions, values = _conditions(wanted)
    if after is not None:
        conditions.append(sql.SQL("(submitted_at, job_id) < (%(after_time)s, %(after_id)s)"))
        values |= {"after_time": after[0], "after_id": after[1]}
    joined = sql.SQL("").join(sql.SQL(" AND ") + condition for condition in conditions)
    statement = _JOBS.format(columns=JOB_COLUMNS, conditions=joined)
    values |= {"statuses": list(wanted.statuses or JobStatus), "analyses": wanted.analyses, "limit": limit}
    # Planned each time: what is rare decides how it is best looked for.
    cursor = await job_cursor(connection).execute(statement, values, prepare=False)
    return await cursor.fetchall()


def _conditions(wanted: JobFilter) -> tuple[list[sql.Composable], dict[str, object]]:
    conditions: list[sql.Composable] = []
    values: dict[str, object] = {}
    if wanted.start is not None:
        conditions.append(sql.SQL("submitted_at >= %(start)s"))
        values["start"] = wanted.start
    if wanted.end is not None:
        conditions.append(sql.SQL("submitted_at < %(end)s"))
        values["end"] = wanted.end
    if wanted.name is not None:
        conditions.append(sql.SQL("name = %(name)s"))
        values["name"] = wanted.name
    if wanted.cause is not None:
        conditions.append(sql.SQL("causes ? %(cause)s"))
        values["cause"] = wanted.cause
    if wanted.store_ids:
        conditions.append(_OF_STORES)
        values["store_ids"] = list(wanted.store_ids)
    for name, texts in wanted.labels.items():
        any_of = []
        for text in texts:
            key = f"label_{len(values)}"
            values[key] = Jsonb({name: text})
            any_of.append(sql.SQL("labels @> {}").format(sql.Placeholder(key)))
        # The first condition is the index's own.
        conditions.append(sql.SQL("labels <> '{{}}' AND ({})").format(sql.SQL(" OR ").join(any_of)))
    return conditions, values


async def read_stores(
    connection: Connection, job_id: UUID, store_ids: Sequence[str], *, after: int, limit: int
) -> list[JobStoreRow]:
    """The next stores of a job after the visit of this number, in the order in which they first appear."""
    values = {"job_id": job_id, "store_ids": list(store_ids), "after": after, "limit": limit}
    cursor = await connection.execute(_STORES, values, prepare=False)
    found: dict[str, JobStoreRow] = {}
    for store_id, first_visit_no, images, outcome, cause, count in await cursor.fetchall():
        row = found.setdefault(
            store_id,
            JobStoreRow(
                store_id=store_id, first_visit_no=first_visit_no, images=images, outcomes={}, causes={}
            ),
        )
        if outcome is not None:
            row.outcomes[Outcome(outcome)] = row.outcomes.get(Outcome(outcome), 0) + count
        if cause is not None:
            row.causes[cause] = count
    return list(found.values())
