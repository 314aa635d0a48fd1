"""The statement of a window of a report: where its visits come from, and the sums over them.

Visits come along an index in the order of the report: by time, by store, or by area and store. Of the visits
of jobs, and of stores or areas by time, the next ones are picked among all of them.
"""

from psycopg import sql

from retailpulse.storage.reports.window_sums import LAST_VISIT, ReportFilter, ReportKind

_TIME = sql.SQL("coalesce(visited_at, 'infinity'::timestamptz)")
_START = sql.SQL(
    "coalesce(%(from_day)s::date::timestamp AT TIME ZONE %(tz)s::text, '-infinity'::timestamptz)"
)
_END = sql.SQL(
    "coalesce((%(to_day)s::date + 1)::timestamp AT TIME ZONE %(tz)s::text, 'infinity'::timestamptz)"
)
_AFTER_TIME = sql.SQL("coalesce(%(after_time)s::timestamptz, 'infinity'::timestamptz)")
# Visits of jobs on their way out are not seen: NOT IN stays a filter by a small table that is read once.
_VISIBLE = sql.SQL("store_known AND job_id NOT IN (SELECT job_id FROM pruned_jobs)")
_ORDER = {
    ReportKind.VISITS: sql.SQL("instant, job_id, visit_no"),
    ReportKind.STORES: sql.SQL("store_id, instant, job_id, visit_no"),
    ReportKind.AREAS: sql.SQL("area_code, store_id, instant, job_id, visit_no"),
}
_BEFORE = {
    ReportKind.VISITS: sql.SQL(""),
    ReportKind.STORES: sql.SQL("%(after_store)s, "),
    ReportKind.AREAS: sql.SQL("%(after_area)s, %(after_store)s, "),
}
_COLUMNS = sql.SQL("""
    s.area_code, s.store_id, s.store_name, v.instant, v.visited_at, v.job_id, v.visit_no, v.first_image_no,
    v.images""")

_BY_TIME = sql.SQL("""
    SELECT {columns} FROM (
        SELECT *, {time} AS instant FROM visits
        WHERE {visible} AND ({time}, job_id, visit_no)
            > ({lower_time}, %(after_job)s::uuid, %(after_visit)s::int) {end}
        ORDER BY {time}, job_id, visit_no LIMIT %(visits)s) v
    LEFT JOIN stores s USING (store_id)""")

_OF_STORES_BY_TIME = sql.SQL("""
    SELECT {columns} FROM (SELECT * FROM stores s WHERE true {of_stores}) s CROSS JOIN LATERAL (
        SELECT *, {time} AS instant FROM visits
        WHERE {visible} AND store_id = s.store_id AND ({time}, job_id, visit_no)
            > ({lower_time}, %(after_job)s::uuid, %(after_visit)s::int) {end}
        ORDER BY {time}, job_id, visit_no LIMIT %(visits)s) v
    ORDER BY {order} LIMIT %(visits)s""")

# Store by store, each by one range of the index visits_store: the place and the start of the time are one
# lower bound, because of two the index would use only the first.
_BY_STORE = sql.SQL("""
    SELECT {columns} FROM asked s CROSS JOIN LATERAL (
        SELECT *, {time} AS instant FROM visits
        WHERE {visible} AND store_id = s.store_id AND ({time}, job_id, visit_no) > (
            CASE WHEN s.store_id = %(after_store)s THEN {lower_time} ELSE {start} END,
            CASE WHEN s.store_id = %(after_store)s THEN %(after_job)s::uuid ELSE %(no_job)s::uuid END,
            CASE WHEN s.store_id = %(after_store)s THEN %(after_visit)s::int ELSE 0 END) {end}
        ORDER BY {time}, job_id, visit_no LIMIT %(visits)s) v
    ORDER BY {order} LIMIT %(visits)s""")

_OF_JOBS = sql.SQL("""
    SELECT {columns} FROM (
        SELECT *, {time} AS instant FROM visits WHERE job_id = ANY(%(job_ids)s) AND {visible} OFFSET 0) v
    JOIN stores s USING (store_id)
    WHERE v.instant >= {start} {end_of_row} {of_stores}
        AND ({order}) > ({before}{lower_time}, %(after_job)s::uuid, %(after_visit)s::int)
    ORDER BY {order} LIMIT %(visits)s""")

_ASKED = {
    ReportKind.STORES: sql.SQL("""
        SELECT * FROM stores s WHERE s.store_id >= %(after_store)s AND {is_open} {of_stores}
        ORDER BY store_id LIMIT %(stores)s"""),
    ReportKind.AREAS: sql.SQL("""
        SELECT * FROM stores s
        WHERE (s.area_code, s.store_id) >= (%(after_area)s, %(after_store)s) AND {is_open} {of_stores}
        ORDER BY area_code, store_id LIMIT %(stores)s"""),
}
_IS_OPEN = sql.SQL(f"(s.store_id <> %(after_store)s OR %(after_visit)s::int < {LAST_VISIT})")
_NO_STORES = sql.SQL("SELECT * FROM stores WHERE false")
# Each store once: one in which the window before ended was counted there, and those behind the last visit of
# a window that is full are asked again.
_AREAS_OF_ASKED = sql.SQL("""
    SELECT area_code, count(*) AS stores FROM asked
    WHERE (store_id <> %(after_store)s OR %(after_visit)s = 0)
        AND ((SELECT count(*) FROM seen) < %(visits)s OR (area_code, store_id) <= (
            SELECT area_code, store_id FROM seen ORDER BY area_code DESC, store_id DESC LIMIT 1))
    GROUP BY area_code""")
_AREAS_OF_JOBS = sql.SQL("""
    SELECT area_code, count(*) AS stores FROM stores
    WHERE area_code IN (SELECT area_code FROM seen) GROUP BY area_code""")
_NO_AREAS = sql.SQL("SELECT '' AS area_code, 0 AS stores WHERE false")

_SUMS = sql.SQL("""
    WITH asked AS MATERIALIZED ({asked}),
    seen AS MATERIALIZED (
        SELECT *, CASE WHEN isfinite(instant) THEN (instant AT TIME ZONE %(tz)s::text)::date END AS day
        FROM ({source}) source),
    kept AS MATERIALIZED (SELECT * FROM seen WHERE store_id IS NOT NULL {suspect}),
    ended AS (
        SELECT {grouped}, r.outcome, r.cause, r.flags, sum(r.images)::bigint AS images,
            sum(r.suspect)::bigint AS suspect, sum(r.accepted)::bigint AS accepted,
            sum(r.rejected)::bigint AS rejected, sum(r.perimeter)::bigint AS perimeter
        FROM kept CROSS JOIN LATERAL (
            SELECT outcome, cause, flags, count(*) AS images, count(suspect) AS suspect,
                count(*) FILTER (WHERE review = 'accepted') AS accepted,
                count(*) FILTER (WHERE review = 'rejected') AS rejected,
                coalesce(sum(perimeter), 0) AS perimeter
            FROM results WHERE job_id = kept.job_id
                AND image_no BETWEEN kept.first_image_no AND kept.first_image_no + kept.images - 1
            GROUP BY outcome, cause, flags) r
        GROUP BY {grouped}, r.outcome, r.cause, r.flags),
    grouped AS (
        SELECT {grouped}, count(*) AS visits, sum(images)::bigint AS images, max(visited_at) AS last_visit_at
        FROM kept GROUP BY {grouped})
    SELECT json_build_object(
        'groups', (SELECT coalesce(json_agg(g ORDER BY {grouped}), '[]') FROM grouped g),
        'outcomes', (SELECT coalesce(json_agg(e), '[]') FROM ended e),
        'areas', (SELECT coalesce(json_agg(a ORDER BY a.area_code), '[]') FROM ({areas}) a),
        'seen', (SELECT count(*) FROM seen),
        'last', (SELECT row_to_json(l) FROM (
            SELECT coalesce(area_code, '') AS area_code, coalesce(store_id, '') AS store_id,
                visited_at AS time, job_id, visit_no, day
            FROM seen ORDER BY {descending} LIMIT 1) l),
        'asked', (SELECT count(*) FROM asked),
        'last_store', (SELECT row_to_json(l) FROM (
            SELECT area_code, store_id FROM asked ORDER BY {last_asked} LIMIT 1) l))::text
""")
_GROUPED = {
    ReportKind.VISITS: sql.SQL("day, area_code"),
    ReportKind.STORES: sql.SQL("store_id, area_code, store_name"),
    ReportKind.AREAS: sql.SQL("area_code, store_id"),
}
_DESCENDING = {
    ReportKind.VISITS: sql.SQL("instant DESC, job_id DESC, visit_no DESC"),
    ReportKind.STORES: sql.SQL("store_id DESC, instant DESC, job_id DESC, visit_no DESC"),
    ReportKind.AREAS: sql.SQL("area_code DESC, store_id DESC, instant DESC, job_id DESC, visit_no DESC"),
}
_LAST_ASKED = {
    ReportKind.VISITS: sql.SQL("store_id"),
    ReportKind.STORES: sql.SQL("store_id DESC"),
    ReportKind.AREAS: sql.SQL("area_code DESC, store_id DESC"),
}
_LOWER_TIME = sql.SQL("CASE WHEN %(after_visit)s::int > 0 THEN {after} ELSE {start} END").format(
    after=_AFTER_TIME, start=_START
)
_SUSPECT = sql.SQL("""AND EXISTS (
    SELECT FROM results r WHERE r.job_id = seen.job_id AND r.suspect IS NOT NULL
        AND r.image_no BETWEEN seen.first_image_no AND seen.first_image_no + seen.images - 1)""")
_IN_AREAS = sql.SQL("AND s.area_code = ANY(%(area_codes)s) ")
_IN_STORES = sql.SQL("AND s.store_id = ANY(%(store_ids)s) ")
_NOTHING = sql.SQL("")


def statement_of(kind: ReportKind, wanted: ReportFilter) -> sql.Composed:
    """The statement of the next window of a report; its parameters are `windows`'."""
    walks_stores = wanted.job_ids is None and kind is not ReportKind.VISITS
    has_days = wanted.from_day is not None or wanted.to_day is not None
    of_stores = (_IN_AREAS if wanted.area_codes else _NOTHING) + (
        _IN_STORES if wanted.store_ids else _NOTHING
    )
    source = _source(kind, wanted).format(
        columns=_COLUMNS,
        time=_TIME,
        visible=_VISIBLE,
        start=_START,
        lower_time=_LOWER_TIME,
        end=sql.SQL("AND {} < ").format(_TIME) + _END if has_days else _NOTHING,
        end_of_row=sql.SQL("AND v.instant < ") + _END if has_days else _NOTHING,
        order=_ORDER[kind],
        before=_BEFORE[kind],
        of_stores=of_stores,
    )
    return _SUMS.format(
        asked=_ASKED[kind].format(of_stores=of_stores, is_open=_IS_OPEN) if walks_stores else _NO_STORES,
        source=source,
        suspect=_SUSPECT if wanted.suspect else _NOTHING,
        grouped=_GROUPED[kind],
        areas=_areas(kind, wanted),
        descending=_DESCENDING[kind],
        last_asked=_LAST_ASKED[kind],
    )


def _source(kind: ReportKind, wanted: ReportFilter) -> sql.SQL:
    if wanted.job_ids is not None:
        return _OF_JOBS
    if kind is not ReportKind.VISITS:
        return _BY_STORE
    return _OF_STORES_BY_TIME if wanted.area_codes or wanted.store_ids else _BY_TIME


def _areas(kind: ReportKind, wanted: ReportFilter) -> sql.Composable:
    if kind is not ReportKind.AREAS:
        return _NO_AREAS
    return _AREAS_OF_ASKED if wanted.job_ids is None else _AREAS_OF_JOBS
