"""Importing stores by pages: a file or a text, a look at what it would change, the button that loads it."""

from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from litestar import Response, get, post
from litestar.datastructures import FormMultiDict, MultiDict
from litestar.params import QueryParameter
from litestar.response import Redirect

from retailpulse.config.settings import ApiSettings
from retailpulse.dashboard.column_choices import choices_of
from retailpulse.dashboard.handing_in import find_held, go_on, hand_in, handed_in, most_bytes
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.dashboard.scope_page import without_scope
from retailpulse.domain.api_keys import Scope
from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.stores import ImportSummary
from retailpulse.samples import sample_stores
from retailpulse.service import FileKind, HeldFiles
from retailpulse.tables import STORE_COLUMNS
from retailpulse.web.error_responses import status_of
from retailpulse.web.file_reader import FileReader, Said

SMALL_FORM_BYTES = 256 * 1024
UNUSED = "not used"
WHAT = "import stores"
_SUMMARY = msgspec.json.Decoder(ImportSummary)


@get("/import", include_in_schema=False)
async def import_page(
    request: AnyRequest,
    api_settings: ApiSettings,
    sample: Annotated[str, QueryParameter(name="sample")] = "",
) -> Response[bytes]:
    """The form that takes a store master."""
    return without_scope(request, Scope.ADMIN, WHAT) or _form(
        request, api_settings, text=sample_stores() if sample else ""
    )


@post("/import", include_in_schema=False, request_max_body_size=None)
async def hand_in_stores(
    request: AnyRequest, held_files: HeldFiles, api_settings: ApiSettings
) -> Response[Any] | Redirect:
    """Holds a file, and goes on to the look at it."""
    try:
        most = most_bytes(api_settings.max_stores_bytes, api_settings)
        file_id, _ = await hand_in(request, held_files, FileKind.STORES, most)
    except InvalidRequest as error:
        return _form(request, api_settings, error=str(error), status=status_of(error))
    return go_on(request, f"/import/{file_id}")


@get("/import/{file_id:str}", include_in_schema=False)
async def look_at_stores(
    request: AnyRequest, held_files: HeldFiles, file_reader: FileReader, file_id: str
) -> Response[bytes]:
    """What a file would change in the store master; once it is loaded, what it did."""
    if refused := without_scope(request, Scope.ADMIN, WHAT):
        return refused
    file = await find_held(request, held_files, FileKind.STORES, file_id)
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
    file = await find_held(request, held_files, FileKind.STORES, file_id)
    form = await request.form()
    address = f"/import/{file.file_id}"
    if file.outcome is not None:
        return Redirect(address, status_code=303)
    said = _said(form)
    how = [*said, ("on_bad_row", "skip")] if form.get("on_bad_row") == "skip" else said
    done = await file_reader.import_stores(handed_in(held_files, file), how, is_dry=False)
    if done.summary is None or not done.summary.loaded:
        return Redirect(f"{address}?{urlencode(said)}", status_code=303)
    await held_files.settle(file.file_id, msgspec.json.encode(done.summary).decode())
    return Redirect(address, status_code=303)


def _said(values: MultiDict[Any] | FormMultiDict) -> Said:
    columns = [("columns", str(value)) for value in values.getall("columns", [])]
    return [(name, value) for name, value in (*columns, ("sheet", str(values.get("sheet", "")))) if value]


def _form(
    request: AnyRequest, settings: ApiSettings, *, text: str = "", error: str = "", status: int = 200
) -> Response[bytes]:
    most = most_bytes(settings.max_stores_bytes, settings)
    return page(request, "import.html", status=status, text=text, error=error, most_bytes=most)
