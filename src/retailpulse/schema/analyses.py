"""Analyses, which look again at photos that were measured before, and what a request for one found."""

from typing import Annotated

import msgspec

from retailpulse.schema.jobs import JobSummary
from retailpulse.schema.record import Record, described
from retailpulse.schema.submits import HostShare


class AnalysisPart(Record, frozen=True, kw_only=True):
    """What one request for analyses found and put in line."""

    job_id: Annotated[
        str | None,
        described("The job that looks at them again; null: nothing was found, or nothing is kept."),
    ] = None
    images: Annotated[int, described("Photos that were found.", example=3)]
    hosts: Annotated[list[HostShare], described("Where they are, most first.")] = msgspec.field(
        default_factory=list
    )
    left_out: Annotated[
        int,
        described("Photos that are left out, as an analysis by the same versions failed at them.", example=0),
    ] = 0
    looked_at: Annotated[int, described("Images of jobs that were looked through.", example=120)]
    in_reach: Annotated[
        int | None,
        described("Without a `cursor`: images of all jobs that are to be looked through.", example=120),
    ] = None
    cursor: Annotated[
        str | None, described("What the next request goes on from; null: nothing is left.", example="")
    ] = None


class AnalysisJob(Record, frozen=True, kw_only=True):
    """An analysis: a job, and what became of the photos that it has looked at."""

    job: Annotated[
        JobSummary, described("The job; of its images, `failed` ones leave their photos as they were.")
    ]
    analyzed: Annotated[int, described("Photos whose results have the new facts.", example=2)]
    changed: Annotated[
        int, described("Photos that are others now at their URL: their results stay.", example=1)
    ]
    gone: Annotated[int, described("Photos whose job was pruned meanwhile.", example=0)]
