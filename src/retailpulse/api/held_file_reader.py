"""Reads the files that pages hold by the code that reads requests: the same limits, checks and processes."""

from litestar.datastructures import MultiDict
from msgspec import convert

from retailpulse.api.submit.answers import previewed
from retailpulse.api.submit.handler import Previewed, SubmitHandler
from retailpulse.api.v1.store_files import StoreFiles
from retailpulse.domain.errors import InvalidRequest
from retailpulse.schema import RowError
from retailpulse.service import ImportOptions, Receipt, StoreImport
from retailpulse.tables import HeaderNotFound, LookedAtColumn, columns_without_header
from retailpulse.web.errors import InvalidRows
from retailpulse.web.file_reader import HandedIn, Refused, Said, TriedImport, TriedSubmit


class HeldFileReader:
    """Reads files by the handlers that an application has."""

    def __init__(self, submits: SubmitHandler, store_files: StoreFiles, store_import: StoreImport) -> None:
        self._submits = submits
        self._store_files = store_files
        self._store_import = store_import

    async def try_submit(self, file: HandedIn, said: Said) -> TriedSubmit:
        """What a submit would be."""
        columns: list[LookedAtColumn] = []
        try:
            outcome = await self._submits.submit_file(
                file.blocks,
                MultiDict([*said, ("dry_run", "true")]),
                size_bytes=file.size_bytes,
                on_opened=columns.extend,
            )
        except InvalidRequest as error:
            return TriedSubmit(columns=columns or _columns_of(error), refused=_refused(error))
        if not isinstance(outcome, Previewed):
            raise TypeError("a dry run has submitted a job")
        return TriedSubmit(
            columns=columns,
            dry_run=previewed(outcome),
            bad_rows=outcome.errors.row_count,
            first_visits=outcome.preview.first_visits,
        )

    async def submit(self, file: HandedIn, said: Said, key: str) -> Receipt:
        """Submits a job, the same one for the same key; raises InvalidRequest, Conflict."""
        outcome = await self._submits.submit_file(
            file.blocks, MultiDict(said), size_bytes=file.size_bytes, key=key
        )
        if isinstance(outcome, Previewed):
            raise InvalidRequest("dry_run: a page has a look of its own")
        return outcome.receipt

    async def import_stores(self, file: HandedIn, said: Said, *, is_dry: bool) -> TriedImport:
        """Loads stores, or tries it."""
        query = MultiDict(said)
        options = ImportOptions(
            skips_bad=is_dry or query.get("on_bad_row") == "skip",  # a look counts good lines beside bad ones
            is_dry=is_dry,
            columns=tuple(query.getall("columns", [])),
            sheet=query.get("sheet"),
        )
        files = self._store_files
        async with files.keep(file.blocks, file.size_bytes) as content:
            try:
                finished = await self._store_import.run(
                    content, options, folder=files.folder, unpacked_bytes=files.most_bytes
                )
            except InvalidRequest as error:
                return TriedImport(columns=_columns_of(error), refused=_refused(error))
        return TriedImport(columns=finished.columns, summary=finished.summary, read_as=finished.read_as)


def _columns_of(error: InvalidRequest) -> list[LookedAtColumn]:
    return columns_without_header(error) if isinstance(error, HeaderNotFound) else []


def _refused(error: InvalidRequest) -> Refused:
    if not isinstance(error, InvalidRows):
        return Refused(reason=str(error))
    errors = convert(error.members["errors"], list[RowError])
    return Refused(reason=str(error), errors=errors, error_count=error.members["error_count"])
