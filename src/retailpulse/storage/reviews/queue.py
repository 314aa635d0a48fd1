"""What is left to decide, and what was decided: photos of all jobs, those of the oldest job first.

Each statement looks at a window of flagged photos along an index, and then at those that are wanted by their
keys, so that its cost is bounded. Weak: photos of one area, or with a rare flag that the queue does not show
by itself, take a window at a time; so do copies of other stores, where most are of the same store.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import sql

from retailpulse.domain.flags import Flag
from retailpulse.domain.matches import MatchKind, Relation
from retailpulse.domain.reviews import QUEUED_FLAGS, Decision
from retailpulse.storage.matches.of_photo import earlier_photo
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.reviews.history import Photo

WINDOW_PHOTOS = 5_000
"""How many photos one statement looks at."""
MOST_COUNTED = 1_000
"""How far what is left is counted."""
FIRST: Photo = (UUID(int=0), 0)
"""A position before all photos."""

# As the index results_to_review has it, word for word.
_QUEUED = sql.SQL("flags && ARRAY[{names}]::text[]").format(
    names=sql.SQL(", ").join(map(sql.Literal, QUEUED_FLAGS))
)
_FLAGGED = sql.SQL("flags IS NOT NULL")
# What the queue shows of these by itself: a copy only if the earlier photo is another store's.
_BY_ITSELF = sql.SQL("""
    (flags && ARRAY[{names}]::text[] OR EXISTS (
        SELECT FROM photo_matches m
        WHERE m.job_id = seen.job_id AND m.image_no = seen.image_no AND m.is_flagged
            AND m.kind IN ({kinds}) AND m.relation = {relation} OFFSET 0))
""").format(
    names=sql.SQL(", ").join(sql.Literal(name) for name in QUEUED_FLAGS if name != Flag.COPY),
    kinds=sql.SQL(", ").join(sql.Literal(str(kind)) for kind in (MatchKind.SAME_FILE, MatchKind.COPY)),
    relation=sql.Literal(str(Relation.OTHER_STORE)),
)

# The list of flagged photos knows the store and its area: one narrow row in place of four wide ones.
_OF_VISITS = sql.SQL("""
    EXISTS (
        SELECT FROM flagged_photos p
        WHERE p.job_id = seen.job_id AND p.image_no = seen.image_no
            AND (%(area_codes)s::text[] = '{}' OR p.area_code = ANY(%(area_codes)s))
            AND (%(store_ids)s::text[] = '{}' OR p.store_id = ANY(%(store_ids)s))
            AND p.settled_at >= coalesce(%(start)s, '-infinity'::timestamptz)
            AND p.settled_at < coalesce(%(end)s, 'infinity'::timestamptz) OFFSET 0)
""")

# Of photos that were decided on, and may have no flag any more.
_OF_RESULTS = sql.SQL("""
    EXISTS (
        SELECT FROM results r
        WHERE r.job_id = found.job_id AND r.image_no = found.image_no
            AND r.settled_at >= coalesce(%(start)s, '-infinity'::timestamptz)
            AND r.settled_at < coalesce(%(end)s, 'infinity'::timestamptz) OFFSET 0)
""")

# Jobs on their way out are not seen.
_UNDECIDED = sql.SQL("""
    SELECT job_id, image_no, flags FROM results
    WHERE review IS NULL AND {flagged} AND (job_id, image_no) > (%(job_id)s, %(image_no)s)
        AND job_id NOT IN (SELECT job_id FROM pruned_jobs)
    ORDER BY job_id, image_no LIMIT %(window)s""")
# The same the other way, from a position on.
_UNDECIDED_BEFORE = sql.SQL("""
    SELECT job_id, image_no, flags FROM results
    WHERE review IS NULL AND {flagged} AND (job_id, image_no) < (%(job_id)s, %(image_no)s)
        AND job_id NOT IN (SELECT job_id FROM pruned_jobs)
    ORDER BY job_id DESC, image_no DESC LIMIT %(window)s""")
_DECIDED = sql.SQL("""
    SELECT job_id, image_no FROM reviews
    WHERE decision = %(decision)s AND (job_id, image_no) > (%(job_id)s, %(image_no)s)
    ORDER BY job_id, image_no LIMIT %(window)s""")

# OFFSET 0 keeps the planner from joining whole tables: each row is looked up by its key. A photo that was
# decided on may be of a job that is gone.
_FOUND = sql.SQL("""
    SELECT seen.job_id, seen.image_no, coalesce(v.store_id, w.store_id) AS store_id,
        coalesce(v.visit_time, w.visit_time) AS visit_time, coalesce(i.image_url, w.image_url) AS image_url,
        encode(coalesce(r.sha256, w.sha256), 'hex') AS sha256, s.area_code AS area, s.store_name,
        coalesce(CASE WHEN r.job_id IS NULL THEN (
            SELECT h.flags FROM review_history h
            WHERE (h.job_id, h.image_no, h.decided_at) = (w.job_id, w.image_no, w.decided_at))
            ELSE r.flags END, '{{}}') AS flags,
        w.decision AS review, w.decided_by AS reviewed_by, w.decided_at AS reviewed_at,
        w.reason AS review_reason, w.flag, w.pair_job_id, w.pair_image_no, coalesce(w.revision, 0) AS revision
    FROM ({seen}) seen
    LEFT JOIN LATERAL (
        SELECT * FROM images WHERE job_id = seen.job_id AND image_no = seen.image_no OFFSET 0) i ON true
    LEFT JOIN LATERAL (
        SELECT * FROM results WHERE job_id = seen.job_id AND image_no = seen.image_no OFFSET 0) r ON true
    LEFT JOIN LATERAL (
        SELECT * FROM visits WHERE job_id = seen.job_id AND visit_no = i.visit_no OFFSET 0) v ON true
    LEFT JOIN LATERAL (
        SELECT * FROM reviews WHERE job_id = seen.job_id AND image_no = seen.image_no OFFSET 0) w ON true
    LEFT JOIN LATERAL (
        SELECT * FROM stores WHERE store_id = coalesce(v.store_id, w.store_id) OFFSET 0) s ON true
""")

# A window is read as far as it is needed: to its end only if it holds less than what is asked for.
_PAGE = sql.SQL("""
    WITH seen AS MATERIALIZED ({seen}), found AS MATERIALIZED (
        SELECT coalesce(json_agg(f ORDER BY f.job_id, f.image_no), '[]') AS photos FROM (
            SELECT page.*, {matched} AS matched FROM (
                SELECT * FROM ({found}) found WHERE {wanted}
                ORDER BY job_id, image_no LIMIT %(limit)s) page) f)
    SELECT photos, CASE WHEN json_array_length(photos) < %(limit)s THEN (
        SELECT row_to_json(l) FROM (
            SELECT job_id, image_no, count(*) OVER () AS seen FROM seen
            ORDER BY job_id DESC, image_no DESC LIMIT 1) l) END
    FROM found
""")
_COUNT = sql.SQL("""
    WITH seen AS MATERIALIZED ({seen}), found AS MATERIALIZED (SELECT count(*) AS number FROM ({shown}) shown)
    SELECT number, CASE WHEN number < %(limit)s THEN (SELECT count(*) FROM seen) END FROM found
""")
_LAST = sql.SQL("""
    WITH seen AS MATERIALIZED ({seen})
    SELECT job_id, image_no FROM ({found}) found WHERE {wanted} ORDER BY job_id DESC, image_no DESC LIMIT 1
""")
_ONE = sql.SQL("SELECT row_to_json(f) FROM (SELECT page.*, {matched} AS matched FROM ({found}) page) f")


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueFilter:
    """Which photos are asked for; what is empty asks for nothing, of several values each will do.

    `decision` None: those that are flagged and undecided; without `flags`, with one that the queue shows by
    itself. `start` and `end` bound when the result was written, so of photos that were decided on, those of
    jobs that are gone are left out.
    """

    decision: Decision | None = None
    flags: tuple[Flag, ...] = ()
    area_codes: tuple[str, ...] = ()
    store_ids: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None

    @property
    def is_by_itself(self) -> bool:
        """Whether the undecided photos are asked for that the queue shows by itself."""
        return self.decision is None and not self.flags

    @property
    def is_of_visits(self) -> bool:
        """Whether the stores or times of photos have to be looked at to know which are wanted."""
        return bool(self.area_codes or self.store_ids or self.start or self.end)

    def window(self, limit: int) -> int:
        """Along how many photos so many that are wanted are looked for."""
        is_each_wanted = self.decision is not None and not (self.flags or self.is_of_visits)
        return min(limit, WINDOW_PHOTOS) if is_each_wanted else WINDOW_PHOTOS


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueWindow:
    """The photos of a window that are wanted; `reached` is where the next one begins, None at the end."""

    photos: Sequence[dict[str, Any]]
    reached: Photo | None


async def read_window(
    connection: Connection, wanted: QueueFilter, *, after: Photo, limit: int
) -> QueueWindow:
    """At most `limit` photos after a position, from one window."""
    statement = _PAGE.format(
        seen=candidates(wanted),
        found=_FOUND.format(seen=_shown(wanted)),
        matched=earlier_photo("page"),
        wanted=_condition(wanted),
    )
    window = wanted.window(limit)
    values = _values(wanted, after, window) | {"limit": limit}
    cursor = await connection.execute(statement, values, prepare=False)
    ((photos, last),) = await cursor.fetchall()
    reached = None
    if len(photos) == limit:
        reached = UUID(photos[-1]["job_id"]), int(photos[-1]["image_no"])
    elif last is not None and last["seen"] == window:
        reached = UUID(last["job_id"]), int(last["image_no"])
    return QueueWindow(photos=photos, reached=reached)


async def find_before(connection: Connection, wanted: QueueFilter, before: Photo) -> Photo | None:
    """The last undecided photo before a position, None if none of the window there is wanted."""
    statement = _LAST.format(
        seen=_UNDECIDED_BEFORE.format(flagged=_flagged(wanted)),
        found=_FOUND.format(seen=_shown(wanted, is_backwards=True)),
        wanted=_condition(wanted),
    )
    values = _values(wanted, before, wanted.window(1)) | {"limit": 1}
    cursor = await connection.execute(statement, values, prepare=False)
    found = await cursor.fetchone()
    return None if found is None else (found[0], found[1])


async def count_left(connection: Connection, wanted: QueueFilter, *, after: Photo) -> tuple[int, bool]:
    """How many photos after a position are left, and whether that is all; counted in one window."""
    limit = MOST_COUNTED + 1
    if wanted.decision is not None and (wanted.flags or wanted.is_of_visits):
        page = await read_window(connection, wanted, after=after, limit=limit)
        return min(len(page.photos), MOST_COUNTED), page.reached is None
    statement = _COUNT.format(seen=candidates(wanted), shown=_shown(wanted))
    window = wanted.window(limit)
    values = _values(wanted, after, window) | {"limit": limit}
    cursor = await connection.execute(statement, values, prepare=False)
    ((count, seen),) = await cursor.fetchall()
    return min(count, MOST_COUNTED), count < limit and seen < window


async def find_photo(connection: Connection, photo: Photo) -> dict[str, Any] | None:
    """A photo with the decision that stands, as in the queue; None if neither a job nor a decision has it."""
    statement = _ONE.format(
        matched=earlier_photo("page"),
        found=_FOUND.format(seen=sql.SQL("SELECT %(job_id)s::uuid AS job_id, %(image_no)s::int AS image_no")),
    )
    cursor = await connection.execute(statement, {"job_id": photo[0], "image_no": photo[1]}, prepare=False)
    ((found,),) = await cursor.fetchall()
    return None if found["image_url"] is None else dict(found)


def candidates(wanted: QueueFilter) -> sql.Composable:
    """The statement of a window: photos after a position, along an index."""
    if wanted.decision is not None:
        return _DECIDED
    return _UNDECIDED.format(flagged=_flagged(wanted))


def _shown(wanted: QueueFilter, *, is_backwards: bool = False) -> sql.Composable:
    """The first `limit` of a window that are wanted; of decided ones, all that may be (`_condition`)."""
    seen = sql.SQL("SELECT * FROM seen")
    if wanted.decision is not None and (wanted.flags or wanted.is_of_visits):
        return seen
    conditions: list[sql.Composable] = [sql.SQL("true")]
    if wanted.is_by_itself:
        conditions.append(_BY_ITSELF)
    if wanted.decision is None and wanted.flags:
        conditions.append(sql.SQL("flags && %(flags)s::text[]"))
    if wanted.decision is None and wanted.is_of_visits:
        conditions.append(_OF_VISITS)
    order = "ORDER BY job_id DESC, image_no DESC" if is_backwards else "ORDER BY job_id, image_no"
    return seen + sql.SQL(f" WHERE {{}} {order} LIMIT %(limit)s").format(sql.SQL(" AND ").join(conditions))


def _flagged(wanted: QueueFilter) -> sql.Composable:
    """What is true of the photos along the index in which those that are wanted are."""
    return _QUEUED if set(wanted.flags) <= set(QUEUED_FLAGS) else _FLAGGED


def _values(wanted: QueueFilter, position: Photo, window: int) -> dict[str, object]:
    return {
        "job_id": position[0],
        "image_no": position[1],
        "window": window,
        "decision": wanted.decision,
        "flags": list(wanted.flags),
        "area_codes": list(wanted.area_codes),
        "store_ids": list(wanted.store_ids),
        "start": wanted.start,
        "end": wanted.end,
    }


def _condition(wanted: QueueFilter) -> sql.Composable:
    """What is asked of photos that were decided on, which may be of jobs that are gone."""
    conditions: list[sql.Composable] = [sql.SQL("true")]
    if wanted.decision is None:
        return conditions[0]
    if wanted.flags:
        conditions.append(sql.SQL("flags && %(flags)s::text[]"))
    if wanted.area_codes:
        conditions.append(sql.SQL("area = ANY(%(area_codes)s)"))
    if wanted.store_ids:
        conditions.append(sql.SQL("store_id = ANY(%(store_ids)s)"))
    if wanted.start or wanted.end:
        conditions.append(_OF_RESULTS)
    return sql.SQL(" AND ").join(conditions)
