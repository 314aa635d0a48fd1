"""Parts of a database that a check reads one after the other: ranges of job ids, cut by their images.

A statement is cut to a part by names alone: in front of it stand queries named like the tables of jobs, which
give the rows of the range, so that one text serves a part and the whole.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

PART_IMAGES = 1_000_000
"""Images of a part, or those of its only job: seconds of reading, so that no snapshot is held for long."""

_TABLES = (
    "jobs", "visits", "job_stores", "images", "analysis_images", "results", "earlier_results",
    "flagged_photos", "known_photos", "thumbnails", "photo_matches", "match_queue", "slices", "grants",
)  # fmt: skip

# The first job of each part but the first one.
_CUTS = """
    SELECT job_id FROM (
        SELECT job_id, images, sum(images) OVER (ORDER BY job_id) AS images_to FROM jobs
        WHERE %(first)s::uuid IS NULL OR job_id >= %(first)s) counted
    WHERE images_to / %(images)s > (images_to - images) / %(images)s AND images_to > images
    ORDER BY job_id
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Jobs from `first` on and before `end`; None: from the very first on, or to the very last."""

    first: UUID | None = None
    end: UUID | None = None

    @property
    def queries(self) -> sql.Composed:
        """What stands behind WITH, before other queries."""
        if self.first is None and self.end is None:
            return sql.SQL("").format()
        ends = [
            sql.SQL("job_id {} {}::uuid").format(sql.SQL(sign), sql.Literal(str(job_id)))
            for sign, job_id in ((">=", self.first), ("<", self.end))
            if job_id is not None
        ]
        query = sql.SQL("{table} AS NOT MATERIALIZED (SELECT * FROM {table} WHERE {ends}), ")
        return sql.SQL("").join(
            query.format(table=sql.Identifier(table), ends=sql.SQL(" AND ").join(ends)) for table in _TABLES
        )


WHOLE = Part()


def parts_from(connection: psycopg.Connection[tuple[Any, ...]], first: UUID | None) -> list[Part]:
    """The parts of all jobs, or of those from `first` on; rows without a job are in them too."""
    cuts = connection.execute(_CUTS, {"first": first, "images": PART_IMAGES}).fetchall()
    begins = [first, *(job_id for (job_id,) in cuts if job_id != first)]
    return [Part(first=begin, end=end) for begin, end in zip(begins, [*begins[1:], None], strict=True)]
