"""Submitting a job by pages: a file or a text, a look at what it would be, and the button that sends it.

The address of the look holds what is said of the job, by the names that the API has for it.
"""

from operator import attrgetter
from pathlib import PurePath
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.datastructures import FormMultiDict, MultiDict
from litestar.params import QueryParameter
from litestar.response import Redirect

from retailpulse.config.settings import ApiSettings
from retailpulse.dashboard.column_choices import choices_of
from retailpulse.dashboard.file_page import SMALL_FORM_BYTES, FilePage
from retailpulse.dashboard.handing_in import handed_in
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.domain.api_keys import Scope
from retailpulse.domain.date_formats import DateOrder
from retailpulse.domain.errors import Conflict, InvalidRequest
from retailpulse.domain.images import Depth
from retailpulse.samples import sample_visits
from retailpulse.service import FileKind, HeldFiles
from retailpulse.service.submit_preview import NO_HOST
from retailpulse.storage.held_files import HeldFile
from retailpulse.tables import VISIT_COLUMNS
from retailpulse.web.file_reader import FileReader, Said, TriedSubmit

MOST_NAME_CHARACTERS = 200
_ONCE = ("name", "depth", "priority", "callback_url", "date_order", "sheet")
UNUSED = "comes back as extra"


def _named(file_name: str) -> dict[str, str]:
    """A job is called as its file, unless it is said otherwise."""
    stem = PurePath(file_name).stem[:MOST_NAME_CHARACTERS]
    return {"name": stem} if stem else {}


PAGE = FilePage(
    kind=FileKind.VISITS,
    address="/submit",
    template="submit.html",
    needed=Scope.SUBMIT,
    what="submit a job",
    sample=sample_visits,
    most_bytes=attrgetter("max_body_bytes"),
    query_of=_named,
)


class Sent(msgspec.Struct, frozen=True):
    """What became of a file of visits."""

    job_id: UUID


_SENT = msgspec.json.Decoder(Sent)


@get("/submit", include_in_schema=False)
async def submit_page(
    request: AnyRequest,
    api_settings: ApiSettings,
    sample: Annotated[str, QueryParameter(name="sample")] = "",
) -> Response[bytes]:
    """The form that takes a file or a text."""
    return PAGE.form(request, api_settings, with_sample=bool(sample))


@post("/submit", include_in_schema=False, request_max_body_size=None)
async def hand_in_visits(
    request: AnyRequest, held_files: HeldFiles, api_settings: ApiSettings
) -> Response[Any] | Redirect:
    """Holds a file, and goes on to the look at it."""
    return await PAGE.hold(request, held_files, api_settings)


@get("/submit/{file_id:str}", include_in_schema=False)
async def look_at_visits(
    request: AnyRequest,
    held_files: HeldFiles,
    file_reader: FileReader,
    api_settings: ApiSettings,
    file_id: str,
) -> Response[bytes]:
    """What a file would be as a job: its columns, errors and warnings, its first visits."""
    if refused := PAGE.refuse(request):
        return refused
    file = await PAGE.find(request, held_files, file_id)
    if file.outcome is not None:
        return page(request, "submit_sent.html", file=file, job_id=_SENT.decode(file.outcome).job_id)
    query = request.query_params
    tried = await file_reader.try_submit(handed_in(held_files, file), _said(query))
    return page(request, "submit_look.html", no_host=NO_HOST, **_look(file, tried, query, api_settings))


@post("/submit/{file_id:str}", include_in_schema=False, request_max_body_size=SMALL_FORM_BYTES)
async def send_visits(
    request: AnyRequest, held_files: HeldFiles, file_reader: FileReader, file_id: str
) -> Redirect:
    """Submits the job, once however often it is asked for; if it cannot be, back to the look at it."""
    file = await PAGE.find(request, held_files, file_id)
    form = await request.form()
    if file.outcome is not None:
        return _to_job(file)
    said = _said(form)
    sent = [*said, ("on_bad_row", "skip")] if form.get("on_bad_row") == "skip" else said
    try:
        receipt = await file_reader.submit(handed_in(held_files, file), sent, f"page-{file.file_id}")
    except Conflict:  # sent meanwhile, in other words
        file = await PAGE.find(request, held_files, file_id)
        if file.outcome is None:
            raise
        return _to_job(file)
    except InvalidRequest:
        return PAGE.back(file, said)
    outcome = msgspec.json.encode(Sent(receipt.job_id)).decode()
    await held_files.settle(file.file_id, outcome)
    return Redirect(f"/jobs/{receipt.job_id}?done=submit", status_code=303)


def _to_job(file: HeldFile) -> Redirect:
    job_id = _SENT.decode(file.outcome or "").job_id
    return Redirect(f"/jobs/{job_id}?done=submit", status_code=303)


def _said(values: MultiDict[Any] | FormMultiDict) -> Said:
    """What a form says of a job, as a query of the API would; fields that are empty say nothing."""
    once = [(name, str(values.get(name, "")).strip()) for name in _ONCE]
    columns = [("columns", str(value)) for value in values.getall("columns", [])]
    labels = [
        ("label", line.strip()) for text in values.getall("label", []) for line in str(text).split("\n")
    ]
    return [(name, value) for name, value in (*once, *columns, *labels) if value]


def _look(file: HeldFile, tried: TriedSubmit, query: MultiDict[Any], settings: ApiSettings) -> dict[str, Any]:
    asked = {name: str(query.get(name, "")) for name in _ONCE}
    return {
        "file": file,
        "tried": tried,
        "choices": choices_of(tried.columns, VISIT_COLUMNS, query.getall("columns", []), UNUSED),
        "asked": asked | {"label": "\n".join(value for name, value in _said(query) if name == "label")},
        "depths": list(Depth),
        "date_orders": {DateOrder.DAY_FIRST: "day first", DateOrder.MONTH_FIRST: "month first"},
        "default_date_order": settings.default_date_order(),
        "is_ambiguous": tried.dry_run is not None
        and any(warning.code == "visit_time_ambiguous" for warning in tried.dry_run.warnings),
    }
