"""The three old endpoints, exactly as clients know them: submit, status, visits."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from litestar import MediaType, Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Stream

from retailpulse.api.legacy.schema import STATUS, SUBMIT, VISITS
from retailpulse.api.submit.handler import SubmitHandler, replayed
from retailpulse.domain.errors import InvalidRequest, NotFound
from retailpulse.domain.ids import parse_job_id
from retailpulse.domain.jobs import JobStatus
from retailpulse.domain.times import parse_day_range
from retailpulse.service import JobReports, Visits
from retailpulse.storage.stores.visits import VisitFilter, VisitRow
from retailpulse.web.rechunk import rechunked

BLOCK_BYTES = 64 * 1024


@post("/api/submit", status_code=201, **SUBMIT)
async def submit(request: Request[Any, Any, Any], submits: SubmitHandler) -> Response[dict[str, str]]:
    """Accept a job; it is on disk and queued when this answers."""
    receipt = await submits.submit_legacy(request)
    return Response({"job_id": str(receipt.job_id)}, status_code=201, headers=replayed(receipt))


@get("/api/status", **STATUS)
async def status(
    job_reports: JobReports,
    jobid: Annotated[str, Parameter(description="The id that the submit answered.")] = "",
) -> Response[dict[str, Any]]:
    """Say whether a job is ongoing, completed or failed, and which stores failed."""
    job_id = parse_job_id(jobid)
    if job_id is None:
        return Response({}, status_code=400)
    try:
        state, failures = await job_reports.status(job_id)
    except NotFound:
        return Response({}, status_code=400)
    if state is JobStatus.CANCELLED:
        state = JobStatus.FAILED  # the only three words that old clients know
    answer: dict[str, Any] = {"status": state, "job_id": jobid}
    if state is JobStatus.FAILED:
        answer["error"] = [{"store_id": store.store_id, "error": store.error} for store in failures]
    return Response(answer)


@get("/api/visits", **VISITS)
async def visits(
    visits: Visits,
    area: Annotated[str | None, Parameter(description="The area code of the store master.")] = None,
    storeid: Annotated[
        str | None,
        Parameter(description="The store id of the store master; `area`, `storeid` or both are required."),
    ] = None,
    startdate: Annotated[str | None, Parameter(description="The first date or time.")] = None,
    enddate: Annotated[str | None, Parameter(description="The last one, inclusive.")] = None,
) -> Stream:
    """Give the visits of an area or a store with their perimeters, oldest first."""
    area, storeid = area or None, storeid or None
    if area is None and storeid is None:
        raise InvalidRequest("area or storeid is required")
    for name, text in (("area", area), ("storeid", storeid)):
        if text is not None and "\0" in text:
            raise InvalidRequest(f"{name} holds a NUL character")
    start, end = parse_day_range(startdate or None, enddate or None)
    wanted = VisitFilter(
        area_codes=() if area is None else (area,),
        store_ids=() if storeid is None else (storeid,),
        start=start,
        end=end,
    )
    await visits.check(wanted)
    pieces = (text.encode() async for text in _write_visits(visits.read(wanted)))
    return Stream(rechunked(pieces, BLOCK_BYTES), media_type=MediaType.JSON)


async def _write_visits(visits: AsyncIterator[VisitRow]) -> AsyncIterator[str]:
    """The answer's text, piece by piece; visits come store by store."""
    yield '{"results":['
    store_id = None
    async for visit in visits:
        if visit.store_id != store_id:
            head = {"store_id": visit.store_id, "area": visit.area_code, "store_name": visit.store_name}
            opening = json.dumps(head, ensure_ascii=False)[:-1] + ',"data":['
            yield opening if store_id is None else "]}," + opening
            store_id = visit.store_id
        else:
            yield ","
        day = visit.visited_at.date().isoformat() if visit.visited_at else visit.visit_time
        yield json.dumps({"date": day, "perimeter": visit.perimeter}, ensure_ascii=False)
    yield "]}" if store_id is not None else ""
    yield "]}"
