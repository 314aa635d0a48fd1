"""Analyses: have photos of before looked at again, and see what became of it."""

import re
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from msgspec import Meta, Struct

from retailpulse.api.openapi.annotations import (
    JOB_ID,
    LINK,
    ContentSpec,
    HeaderSpec,
    RequestBodySpec,
    ResponseSpec,
    Tag,
    When,
    documented,
)
from retailpulse.api.openapi.annotations import CursorText as CursorShape
from retailpulse.api.submit.explain import explain
from retailpulse.api.submit.schema import Credentials
from retailpulse.api.suggestions import unknown_name
from retailpulse.api.v1.filters import instant
from retailpulse.api.v1.pages import Cursors, Page, PageRequest, write_cursor
from retailpulse.api.v1.parameter_objects import with_parameter_objects
from retailpulse.api.v1.paths import known_id
from retailpulse.api.v1.small_bodies import SMALL_BODY_BYTES
from retailpulse.domain.credentials import Credential
from retailpulse.domain.errors import InvalidRequest
from retailpulse.schema import AnalysisJob, AnalysisPart, HostShare
from retailpulse.service import Analyses
from retailpulse.service.analyses import MOST_IMAGES, AnalysisRequest, FoundPhotos
from retailpulse.storage.analyses.find import Reached
from retailpulse.storage.jobs.list import JobPlace

ANALYSES: Cursors[JobPlace] = Cursors("analyses", tuple[datetime, UUID])
"""A position is that of the job after which a page begins."""
PARTS: Cursors[Reached] = Cursors("photos-to-analyze", Reached)
"""A position is that of the image up to which the jobs were looked through."""
_UNKNOWN_FIELD = re.compile("Object contains unknown field `(.*)`", re.DOTALL)


class NewAnalysis(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which photos to look at again. What is left out asks for nothing."""

    since: (
        Annotated[
            When,
            Meta(description="Only of jobs submitted then or later.", examples=["2026-11-20"]),
        ]
        | None
    ) = None
    until: Annotated[When, Meta(description="Only of jobs submitted before.")] | None = None
    job_id: Annotated[UUID, Meta(description="Only of this job.")] | None = None
    analyzers: (
        Annotated[
            list[Annotated[str, Meta(max_length=32)]],
            Meta(max_length=10, description="Only photos that lack one of these; null: any that is on."),
        ]
        | None
    ) = None
    all_depths: (
        Annotated[bool, Meta(description="true: also photos of jobs whose depth is not decode.")] | None
    ) = None
    failed_too: (
        Annotated[
            bool, Meta(description="true: also photos at which an analysis by the same versions failed.")
        ]
        | None
    ) = None
    limit: (
        Annotated[int, Meta(ge=1, le=MOST_IMAGES, description="The most photos of this request.")] | None
    ) = None
    cursor: (
        Annotated[CursorShape, Meta(description="From the answer before; all else must be the same.")] | None
    ) = None
    dry_run: Annotated[bool, Meta(description="true: only say what would be looked at.")] | None = None
    credentials: Credentials | None = None


_NEW = msgspec.json.Decoder(NewAnalysis)
_MADE = HeaderSpec(meaning="The path of the analysis.", example=f"/api/v1/analyses/{JOB_ID}", is_always=True)


@post(
    "/api/v1/analyses",
    status_code=201,
    request_max_body_size=SMALL_BODY_BYTES,
    operation_id="analyze",
    summary="Look again at photos of before",
    tags=[Tag.JOBS],
    opt=documented(
        None,
        404,
        answers={
            200: ResponseSpec(
                meaning="There is nothing to look at in this part, or it is a dry run: nothing is kept.",
                contents=(ContentSpec(shape=AnalysisPart),),
            ),
            201: ResponseSpec(
                meaning="The photos wait to be looked at.",
                contents=(ContentSpec(shape=AnalysisPart),),
                headers={"Location": _MADE},
            ),
        },
        body=RequestBodySpec(
            meaning="Which photos; without a body, all that need it.",
            contents=(ContentSpec(shape=NewAnalysis, example={"since": "2026-11-20", "dry_run": True}),),
            is_required=False,
        ),
    ),
)
async def analyze(request: Request[Any, Any, Any], analyses: Analyses) -> Response[AnalysisPart]:
    """Have photos that analyzers were not asked about looked at again, after all other jobs."""
    wanted = _read(await request.body())
    asked = AnalysisRequest(
        analyzers=wanted.analyzers or (),
        since=instant("since", wanted.since),
        until=instant("until", wanted.until),
        job_id=wanted.job_id,
        all_depths=bool(wanted.all_depths),
        failed_too=bool(wanted.failed_too),
        limit=wanted.limit or MOST_IMAGES,
        after=PARTS.read(wanted.cursor),
        credentials=_read_credentials(wanted),
    )
    if wanted.dry_run:
        return Response(_part(await analyses.preview(asked)), status_code=200)
    found = await analyses.analyze(asked)
    if found.job_id is None:
        return Response(_part(found), status_code=200)
    headers = {"Location": f"/api/v1/analyses/{found.job_id}"}
    return Response(_part(found), status_code=201, headers=headers)


@get(
    "/api/v1/analyses",
    operation_id="listAnalyses",
    summary="Analyses, the newest first",
    tags=[Tag.JOBS],
    opt=documented(Page[AnalysisJob], meaning="A page of analyses.", headers={"Link": LINK}),
)
@with_parameter_objects
async def list_analyses(analyses: Analyses, page: PageRequest) -> Response[Page[AnalysisJob]]:
    """List analyses, the newest first."""
    return await page.answer(ANALYSES, analyses.analyses)


@get(
    "/api/v1/analyses/{job_id:str}",
    operation_id="getAnalysis",
    summary="An analysis",
    tags=[Tag.JOBS],
    opt=documented(AnalysisJob, 404, meaning="The state of the analysis."),
)
async def analysis(analyses: Analyses, job_id: str) -> AnalysisJob:
    """Read how far an analysis is, and what became of its photos."""
    return await analyses.analysis(known_id(job_id))


def _part(found: FoundPhotos) -> AnalysisPart:
    return AnalysisPart(
        job_id=None if found.job_id is None else str(found.job_id),
        images=found.hosts.total(),
        hosts=[HostShare(origin=origin, images=images) for origin, images in found.hosts.most_common()],
        left_out=found.left_out,
        looked_at=found.looked_at,
        in_reach=found.in_reach,
        cursor=write_cursor(PARTS, found.reached),
    )


def _read(body: bytes) -> NewAnalysis:
    """The body of a request, which may be empty."""
    if not body.strip():
        return NewAnalysis()
    try:
        return _NEW.decode(body)
    except msgspec.ValidationError as error:
        if name := _UNKNOWN_FIELD.fullmatch(str(error)):
            known = NewAnalysis.__struct_fields__
            raise InvalidRequest(f"{name[1]}: {unknown_name(name[1], known, 'field')}") from error
        raise InvalidRequest(explain(str(error))) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequest(f"the body is not JSON in UTF-8: {error}") from error


def _read_credentials(wanted: NewAnalysis) -> dict[str, Credential] | None:
    try:
        return msgspec.convert(wanted.credentials, dict[str, Credential] | None)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"credentials: {explain(str(error))}") from None
