"""Results as they are read: filtered, in the order of the submit, page by page.

A page is rendered by PostgreSQL itself, row by row, so that no format needs Python's time per row. One
statement looks at a window of a job's images alone and at each by its key, so that its cost is bounded
whatever is asked for and whatever the planner believes. Weak: rare rows of a huge job, other than failures,
take it a window at a time, about a second per million images.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from psycopg import sql

from retailpulse.domain.flags import Flag
from retailpulse.domain.images import Cause, Outcome
from retailpulse.domain.reviews import ReviewState
from retailpulse.schema import RESULT
from retailpulse.schema.columns import Column, SqlType
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.results.sources import ALL, NOT_YET_MEASURED, OF_STORES, UNSETTLED, WITH, WITH_CAUSE

PAGE_BYTES = 4_000_000
"""A page ends early once its rows carry this much text from the client."""
WINDOW_IMAGES = 20_000
"""How many images one statement looks at if it is to find only some."""
WINDOW_OF_STORES_IMAGES = 250_000
"""The same if it first looks for visits to stores, by an index."""
_NUMBER = re.compile(rb"\d+")

# OFFSET 0 keeps the planner from joining whole tables: each row is looked up by its key.
_PAGE = sql.SQL("""
    SELECT {given}{earlier}
    FROM (
        SELECT *, row_number() OVER (ORDER BY image_no) AS place,
            sum(octet_length(store_id) + octet_length(visit_time) + octet_length(image_url)
                + coalesce(octet_length(extra::text), 0)) OVER (ORDER BY image_no) AS bytes
        FROM (
            SELECT {read}
            FROM ({seen}) seen
            CROSS JOIN LATERAL (
                SELECT visit_no, image_url, extra FROM images
                WHERE job_id = {job_id} AND image_no = seen.image_no OFFSET 0) i
            LEFT JOIN LATERAL (
                SELECT * FROM results WHERE job_id = {job_id} AND image_no = seen.image_no OFFSET 0) r ON true
            CROSS JOIN LATERAL (
                SELECT store_id, visit_time FROM visits WHERE job_id = {job_id} AND visit_no = i.visit_no
                UNION ALL SELECT '', '' WHERE i.visit_no = 0  -- an image of an analysis has no visit
                OFFSET 0) v
            LEFT JOIN LATERAL (
                SELECT store_name, area_code FROM stores WHERE store_id = v.store_id OFFSET 0) s ON true
            LEFT JOIN LATERAL (
                SELECT decided_by, decided_at, reason FROM reviews
                WHERE r.review IS NOT NULL AND job_id = {job_id} AND image_no = seen.image_no
                OFFSET 0) w ON true
            WHERE {wanted}
            ORDER BY seen.image_no LIMIT {limit}
        ) found
    ) page
    WHERE bytes <= {page_bytes} OR place = 1
    ORDER BY image_no
""")

# A spreadsheet takes a cell that begins so for a formula, in full width too and behind spaces and quotes.
# If its separator is the semicolon, a cell may begin within ours, at what is in `_INNER`; only a few
# characters are looked ahead there, so that the work grows with the text alone.
_FORMULA = r"[-=+@\uff0d\uff1d\uff0b\uff20]"
_OUTER = r"""^(?=[\x01-\x1f\x7f-\x9f]|[\s"]*""" + _FORMULA + ")"
_INNER = r"""([;\t\r\n])(?=[\s"]{0,8}""" + _FORMULA + ")"
_AS_TEXT = sql.SQL("regexp_replace(regexp_replace({column}, {inner}, {kept}, 'g'), {outer}, '''')")
_TEXT = {
    SqlType.BYTEA: sql.SQL("encode({value}, 'hex')"),
    SqlType.TIMESTAMPTZ: sql.SQL("""to_char({value} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""),
}
"""How columns are written that are not given as PostgreSQL writes their type."""
# Put together as text: json_strip_nulls() would read again what json_build_object() wrote.
_OBJECT = sql.SQL("('{{' || concat_ws(',', {parts}) || '}}')::json AS {name}")
_ROWS = {"results": "r", "images": "i", "visits": "v", "stores": "s", "reviews": "w"}
"""The rows of a page, by the table that they are of."""

_EARLIER = sql.SQL(""", coalesce((
        SELECT json_agg(json_build_object('outcome', e.outcome, 'cause', e.cause, 'detail', e.detail,
            'tries', e.tries, 'settled_at',
            to_char(e.settled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) ORDER BY e.retry_no)
        FROM earlier_results e
        WHERE e.job_id = {job_id} AND e.image_no = page.image_no), '[]'::json)::{earlier_type} AS earlier""")


class PageFormat(StrEnum):
    """How rows of results are written."""

    JSON_ROWS = "json_rows"
    FLAT_JSON_ROWS = "flat_json_rows"
    """The same, but a list is a text, and the members of an object are columns of their own."""
    CSV = "csv"
    CSV_WITH_HEADER = "csv_with_header"


# JSON text never holds these control characters, so nothing in it is quoted.
_COPY_JSON = (
    "COPY (SELECT row_to_json(r) FROM ({page}) r) TO STDOUT"
    r" (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')"
)
_COPY = {
    PageFormat.JSON_ROWS: _COPY_JSON,
    PageFormat.FLAT_JSON_ROWS: _COPY_JSON,
    PageFormat.CSV: "COPY ({page}) TO STDOUT (FORMAT csv)",
    PageFormat.CSV_WITH_HEADER: "COPY ({page}) TO STDOUT (FORMAT csv, HEADER)",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultFilter:
    """Which results are asked for; what is empty asks for nothing, of several values each will do.

    `unsettled` adds the images that have no result yet to the outcomes. `suspect`: only measured ones that
    look damaged, or only all others. `flags`: only those with any of them. `reviews`: only those that a
    person decided on so, or that are flagged and undecided.
    """

    outcomes: tuple[Outcome, ...] = ()
    unsettled: bool = False
    causes: tuple[Cause, ...] = ()
    store_ids: tuple[str, ...] = ()
    suspect: bool | None = None
    flags: tuple[Flag, ...] = ()
    reviews: tuple[ReviewState, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether every image is asked for."""
        some = (self.outcomes, self.unsettled, self.causes, self.store_ids, self.flags, self.reviews)
        return not any(some) and self.suspect is None

    @property
    def wants_only_unsettled(self) -> bool:
        """Whether no image that has a result is asked for."""
        return self.unsettled and not self.outcomes

    @property
    def one_cause(self) -> Cause | None:
        """The cause if its failures are all that is asked for; they are found without looking at others."""
        is_one = len(self.causes) == 1 and replace(self, causes=(), outcomes=()).is_empty
        is_whole = is_one and self.outcomes in {(), (Outcome.FAILED,)}
        return self.causes[0] if is_whole and self.causes[0] is not Cause.CANCELLED else None


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultForm:
    """How rows are given: their format, and whether each tells the outcomes that retries took back.

    With `for_spreadsheet`, no text can act as a formula: an apostrophe stands before what would.
    """

    page_format: PageFormat
    with_earlier: bool = False
    for_spreadsheet: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultRows:
    """Rows, each as one line; `reached` is the last image that was looked at. A header is no row."""

    header: bytes
    lines: list[bytes]
    reached: int


async def read_page(
    connection: Connection, job_id: UUID, wanted: ResultFilter, form: ResultForm, *, after: int, limit: int
) -> ResultRows:
    """At most `limit` rows after image number `after`, from one window of images.

    A page with very long texts ends before `limit`, so that it fits in memory. `reached` grows with every
    page, also with one that is empty.
    """
    last = _last(wanted, after, limit)
    values = {"job_id": sql.Literal(job_id), "first": sql.Literal(after + 1), "last": sql.Literal(last)}
    page = _PAGE.format(
        given=sql.SQL(", ").join(_all_given(form)),
        read=READ,
        seen=_seen(wanted, values),
        wanted=_condition(wanted),
        earlier=_earlier(form, values) if form.with_earlier else sql.SQL(""),
        limit=sql.Literal(limit),
        page_bytes=sql.Literal(PAGE_BYTES),
        job_id=values["job_id"],
    )
    statement = sql.SQL(_COPY[form.page_format]).format(page=page)
    async with connection.cursor().copy(statement) as copy:
        lines = [bytes(line) async for line in copy]
    header = lines.pop(0) if form.page_format is PageFormat.CSV_WITH_HEADER else b""
    return ResultRows(header=header, lines=lines, reached=number_of(lines[-1]) if lines else last)


def _last(wanted: ResultFilter, after: int, limit: int) -> int:
    if wanted.one_cause:
        return 2**31 - 1
    window = WINDOW_OF_STORES_IMAGES if wanted.store_ids else WINDOW_IMAGES
    return after + (limit if wanted.is_empty else window)


def number_of(line: bytes) -> int:
    """The number of the image that a row is about: the first number in it, whatever the format."""
    found = _NUMBER.search(line)
    if found is None:
        raise ValueError(f"no row of a result: {line[:100]!r}")
    return int(found[0])


def _earlier(form: ResultForm, values: Mapping[str, sql.Composable]) -> sql.Composable:
    is_flat = form.page_format is PageFormat.FLAT_JSON_ROWS
    return _EARLIER.format(**values, earlier_type=sql.SQL("text" if is_flat else "json"))


def _read(column: Column) -> sql.Composable:
    """A column of the tables as a text or number that is given."""
    row = "seen" if column.name == "image_no" else _ROWS[column.stored.table]  # there may be no result yet
    value: sql.Composable = sql.Identifier(row, column.stored_name)
    value = _TEXT.get(column.sql_type, sql.SQL("{value}")).format(value=value)
    if column.default is not None:
        value = sql.SQL("coalesce({value}, {default})").format(
            value=value,
            default=sql.Literal(column.default),
        )
    return sql.SQL("{value} AS {name}").format(value=value, name=sql.Identifier(column.name))


READ = sql.SQL(", ").join(map(_read, RESULT))
"""All columns of a result, of rows that are called as in `_ROWS`, and of the image's number as `seen`."""


def _all_given(form: ResultForm) -> Iterator[sql.Composable]:
    """All columns in the form that is asked for; those of a group are one object if it has objects."""
    for group, columns in groupby(RESULT, key=attrgetter("group")):
        if group is None or form.page_format is not PageFormat.JSON_ROWS:
            yield from (_given(column, form) for column in columns)
        else:
            parts = sql.SQL(", ").join(map(_as_member, columns))
            yield _OBJECT.format(parts=parts, name=sql.Identifier(group))


def _as_member(column: Column) -> sql.Composable:
    """A number as a member of an object; NULL, which is left out, if there is none."""
    key = sql.Literal(f'"{column.name}":')
    return sql.SQL("{key} || {name}").format(key=key, name=sql.Identifier(column.name))


def _given(column: Column, form: ResultForm) -> sql.Composable:
    """A column in the form that is asked for."""
    name = sql.Identifier(column.name)
    if column.sql_type is SqlType.TEXTS and form.page_format is not PageFormat.JSON_ROWS:
        return sql.SQL("array_to_string({name}, ' ') AS {name}").format(name=name)
    value: sql.Composable = name
    is_safe = form.for_spreadsheet and column.is_free_text
    is_json = column.sql_type is SqlType.JSON
    if is_json and (is_safe or form.page_format is PageFormat.FLAT_JSON_ROWS):
        value = sql.SQL("{name}::text").format(name=name)
    elif not is_safe:
        return name
    if is_safe:
        outer, inner, kept = map(sql.Literal, (_OUTER, _INNER, r"\1'"))
        value = _AS_TEXT.format(column=value, outer=outer, inner=inner, kept=kept)
    return sql.SQL("{value} AS {name}").format(value=value, name=name)


def _seen(wanted: ResultFilter, values: Mapping[str, sql.Composable]) -> sql.Composable:
    if wanted.store_ids:
        return OF_STORES.format(**values, store_ids=sql.Literal(list(wanted.store_ids)))
    if wanted.one_cause is not None:
        return WITH_CAUSE.format(**values, cause=sql.Literal(str(wanted.one_cause)))
    is_measured_wanted = Outcome.MEASURED in wanted.outcomes or not (wanted.outcomes or wanted.unsettled)
    is_failure_wanted = wanted.causes or not (is_measured_wanted or wanted.unsettled)
    is_undecided_wanted = ReviewState.UNDECIDED in wanted.reviews
    rare = (
        ("review", wanted.reviews and not is_undecided_wanted),
        ("suspect", wanted.suspect),
        ("flags", wanted.flags or wanted.reviews == (ReviewState.UNDECIDED,)),
        ("cause", is_failure_wanted),
    )
    for column, is_wanted in rare:
        if is_wanted:
            return WITH.format(**values, column=sql.Identifier(column))
    if is_measured_wanted:
        return ALL.format(**values)
    if not wanted.outcomes:
        return UNSETTLED.format(**values)
    return NOT_YET_MEASURED.format(
        unsettled=UNSETTLED.format(**values),
        failed=WITH.format(**values, column=sql.Identifier("cause")),
    )


def _condition(wanted: ResultFilter) -> sql.Composable:
    conditions: list[sql.Composable] = []
    if wanted.outcomes or wanted.unsettled:
        some = sql.SQL("coalesce(r.outcome, 'unsettled') = ANY({names})")
        names = [*map(str, wanted.outcomes), *(["unsettled"] if wanted.unsettled else [])]
        conditions.append(some.format(names=sql.Literal(names)))
    if wanted.causes:
        causes = list(map(str, wanted.causes))
        conditions.append(sql.SQL("r.cause = ANY({causes})").format(causes=sql.Literal(causes)))
    if wanted.flags:
        flags = sql.Literal(list(map(str, wanted.flags)))
        conditions.append(sql.SQL("r.flags && {flags}::text[]").format(flags=flags))
    if wanted.reviews:
        some = sql.SQL(
            "(r.review = ANY({states}) OR 'undecided' = ANY({states}) AND r.review IS NULL"
            " AND r.flags IS NOT NULL)"
        )
        conditions.append(some.format(states=sql.Literal(list(map(str, wanted.reviews)))))
    if wanted.suspect is not None:
        conditions.append(sql.SQL("r.suspect IS NOT NULL" if wanted.suspect else "r.suspect IS NULL"))
    return sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("true")


GIVEN = sql.SQL(", ").join(_all_given(ResultForm(page_format=PageFormat.JSON_ROWS)))
"""All columns of a result as JSON has them, of rows with the columns of `READ`."""
