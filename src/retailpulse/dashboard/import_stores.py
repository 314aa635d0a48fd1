"""Importing stores by pages: a file or a text, a look at what it would change, the button that loads it."""

from operator import attrgetter
from typing import Annotated, Any

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
from retailpulse.domain.stores import ImportSummary
from retailpulse.samples import sample_stores
from retailpulse.service import FileKind, HeldFiles
from retailpulse.tables import STORE_COLUMNS
from retailpulse.web.file_reader import FileReader, Said

UNUSED = "not used"
PAGE = FilePage(
    kind=FileKind.STORES,
    address="/import",
    template="import.html",
    needed=Scope.ADMIN,
    what="import stores",
    sample=sample_stores,
    most_bytes=attrgetter("max_stores_bytes"),
)
_SUMMARY = msgspec.json.Decoder(ImportSummary)


@get("/import", include_in_schema=False)
async def import_page(
    request: AnyRequest,
    api_settings: ApiSettings,
    sample: Annotated[str, QueryParameter(name="sample")] = "",
) -> Response[bytes]:
    """The form that takes a store master."""
    return PAGE.form(request, api_settings, with_sample=bool(sample))


@post("/import", include_in_schema=False, request_max_body_size=None)
async def hand_in_stores(
    request: AnyRequest, held_files: HeldFiles, api_settings: ApiSettings
) -> Response[Any] | Redirect:
    """Holds a file, and goes on to the look at it."""
    return await PAGE.hold(request, held_files, api_settings)


@get("/import/{file_id:str}", include_in_schema=False)
async def look_at_stores(
    request: AnyRequest, held_files: HeldFiles, file_reader: FileReader, file_id: str
) -> Response[bytes]:
    """What a file would change in the store master; once it is loaded, what it did."""
    if refused := PAGE.refuse(request):
        return refused
    file = await PAGE.find(request, held_files, file_id)
    if file.outcome is not None:
        return page(request, "import_done.html", file=file, summary=_SUMMARY.decode(file.outcome))
    query = request.query_params
    tried = await file_reader.import_stores(handed_in(held_files, file), _said(query), is_dry=True)
    return page(
        request,
        "import_look.html",
        file=file,
        tried=tried,
        choices=choices_of(tried.columns, STORE_COLUMNS, query.getall("columns", []), UNUSED),
        sheet=query.get("sheet", ""),
    )


@post("/import/{file_id:str}", include_in_schema=False, request_max_body_size=SMALL_FORM_BYTES)
async def load_stores(
    request: AnyRequest, held_files: HeldFiles, file_reader: FileReader, file_id: str
) -> Redirect:
    """Loads a file, once; then the same page, which says what was done or what keeps it from being loaded."""
    file = await PAGE.find(request, held_files, file_id)
    form = await request.form()
    if file.outcome is not None:
        return PAGE.back(file)
    said = _said(form)
    how = [*said, ("on_bad_row", "skip")] if form.get("on_bad_row") == "skip" else said
    done = await file_reader.import_stores(handed_in(held_files, file), how, is_dry=False)
    if done.summary is None or not done.summary.loaded:
        return PAGE.back(file, said)
    await held_files.settle(file.file_id, msgspec.json.encode(done.summary).decode())
    return PAGE.back(file)


def _said(values: MultiDict[Any] | FormMultiDict) -> Said:
    columns = [("columns", str(value)) for value in values.getall("columns", [])]
    return [(name, value) for name, value in (*columns, ("sheet", str(values.get("sheet", "")))) if value]
