"""One decision on all photos of a job with a flag that nobody has decided on, after a page that asks."""

from typing import Annotated
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.params import QueryParameter
from litestar.response import Redirect

from retailpulse.dashboard.forms import FormBody
from retailpulse.dashboard.job import name_of, parse_job_id
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.dashboard.review import read_decision, read_reason, who
from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.flags import Flag
from retailpulse.domain.reviews import MAX_REASON_CHARACTERS, PAIR_FLAGS
from retailpulse.service import JobReports, ReviewSets

JobId = Annotated[str, QueryParameter(name="job")]
FlagName = Annotated[str, QueryParameter(name="flag")]


@get("/review/set", include_in_schema=False)
async def confirm_set(
    request: AnyRequest,
    job_reports: JobReports,
    review_sets: ReviewSets,
    job_id: JobId = "",
    flag_name: FlagName = "",
) -> Response[bytes]:
    """Says on how many photos one decision would be made, and asks which."""
    known, flag = parse_job_id(job_id), _flag(flag_name)
    brief = await job_reports.brief(known)
    undecided, are_more = await review_sets.undecided(known, flag)
    return page(
        request,
        "review_set.html",
        job=brief.job,
        title=name_of(brief.job),
        flag=str(flag),
        number=len(undecided),
        are_more=are_more,
        is_of_pairs=flag in PAIR_FLAGS,
        action=f"/review/set?{urlencode({'job': str(known), 'flag': str(flag)})}",
        back=f"/jobs/{known}?flag={flag}",
        most_characters=MAX_REASON_CHARACTERS,
    )


@post("/review/set", include_in_schema=False)
async def decide_set(
    request: AnyRequest, review_sets: ReviewSets, data: FormBody, job_id: JobId = "", flag_name: FlagName = ""
) -> Redirect:
    """Decides on all of them, and goes back to the photos with the flag."""
    known, flag = parse_job_id(job_id), _flag(flag_name)
    found = await review_sets.decide(
        known, flag, read_decision(data), by=who(request), reason=read_reason(data)
    )
    query = {"flag": str(flag), "decided": str(found.decided), "refused": str(found.refused)}
    if found.are_more:
        query["more"] = "1"
    return Redirect(f"/jobs/{known}?{urlencode(query)}", status_code=303)


def _flag(name: str) -> Flag:
    if name not in set(Flag):
        raise InvalidRequest(f"flag: there is no flag {name[:100]!r}")
    return Flag(name)
