"""Takes in the request of a submit: small JSON in memory, large JSON and rows by way of the disk; its key."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import IO, Any

import msgspec
from litestar import Request
from litestar.datastructures import MultiDict

from retailpulse.api.submit.body_kind import BodyKind, kind_of, read_head, why_unreadable
from retailpulse.api.submit.extra_columns import ExtraLimits
from retailpulse.api.submit.full_disk import full_disk_as_busy
from retailpulse.api.submit.job_options import HEADER, IN_QUERY, read_header, read_query
from retailpulse.api.submit.parse_json import Form, LegacyForm, NewForm, read_submission
from retailpulse.api.submit.parse_large_json import read_large
from retailpulse.api.submit.parse_rows import OnOpened, RowFormat, TableOptions, read_rows
from retailpulse.api.submit.request_body import WRITE_BYTES, BodyBudget, drain, unpacked
from retailpulse.api.submit.request_headers import expected_bytes, read_idempotency_key
from retailpulse.api.submit.row_errors import RowErrors, RowKind
from retailpulse.api.submit.submit_options import SubmitOptions, read_submit_options
from retailpulse.api.submit.visit_validator import VisitValidator
from retailpulse.config.settings import ApiSettings
from retailpulse.domain.credentials import Credential
from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.images import Depth
from retailpulse.domain.jobs import Idempotency, JobOptions
from retailpulse.fetch import origin_key
from retailpulse.service import JobReports, JobSubmitter, Receipt, SubmitPreview
from retailpulse.service.submit_preview import Preview
from retailpulse.storage.jobs.spool import Spool, temporary_file
from retailpulse.tables.formats import is_slow_to_read
from retailpulse.web.errors import UnsupportedMediaType
from retailpulse.web.uploads import Upload

FORM = "multipart/form-data"
BIG_BODY_BYTES = 256 * 1024
"""A longer body is read in a thread: the others are not to wait for it."""
LARGE_BODY_BYTES = 1 << 20
"""A longer body of JSON goes by way of the disk, and is read piece by piece."""
READ_AT_ONCE = 2
"""Bodies of rows that are read at once, once they are here; further ones wait."""
_CHARSETS = {"utf-8", "utf8", "us-ascii", "utf-16", "utf-16le", "utf-16be", "windows-1252", "iso-8859-1"}
"""Those that may be declared; which it is, the bytes say."""
_CHARSET = re.compile(r"charset=\"?([^\";\s]*)", re.IGNORECASE)

_ReadInto = Callable[[IO[bytes], Spool, int], JobOptions]
"""Reads a file into a spool, up to a number of images, and gives the fields of the job."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Submitted:
    """A job that was accepted, with what is to be said of its rows."""

    receipt: Receipt
    options: JobOptions
    images: int
    errors: RowErrors


@dataclass(frozen=True, kw_only=True, slots=True)
class Previewed:
    """What a submit would be, with what is to be said of its rows."""

    preview: Preview
    errors: RowErrors


Outcome = Submitted | Previewed


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """What a request says beside its body; `digest` is that of the request, to tell repeated ones."""

    key: str | None = None
    is_dry: bool = False
    digest: "hashlib._Hash"
    errors: RowErrors

    def idempotency(self) -> Idempotency | None:
        return None if self.key is None else Idempotency(key=self.key, request_sha256=self.digest.digest())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Head:
    """What a request to /api/v1 says before its body, or a form beside its file.

    `has_query` tells whether it says anything of the job; `expected_bytes` is the length of the body, which
    may be the file of a form.
    """

    options: JobOptions
    how: SubmitOptions
    key: str | None
    has_query: bool
    content_type: str
    expected_bytes: int
    is_file: bool = False
    on_opened: OnOpened | None = None


class SubmitHandler:
    """Handles submits on any path, and holds what all of them share.

    `job_reports` reads jobs for the answers: with a second dependency, Litestar would start a task for each.
    """

    def __init__(
        self,
        job_submitter: JobSubmitter,
        submit_preview: SubmitPreview,
        job_reports: JobReports,
        settings: ApiSettings,
        default_depth: Depth,
    ) -> None:
        self.job_reports = job_reports
        self._job_submitter = job_submitter
        self._submit_preview = submit_preview
        self._settings = settings
        self._default_depth = default_depth
        self._in_memory = BodyBudget(settings.buffer_bytes)
        self._on_disk = BodyBudget(settings.spool_bytes)
        self._threads = ThreadPoolExecutor(READ_AT_ONCE, thread_name_prefix="rows")
        # A workbook may take minutes: text and JSON are not to wait for it.
        self._workbook_threads = ThreadPoolExecutor(READ_AT_ONCE, thread_name_prefix="workbooks")

    async def submit_legacy(self, request: Request[Any, Any, Any]) -> Receipt:
        """Submits what a request to the old endpoint asks for."""
        form = LegacyForm(self._default_depth, self._settings.default_date_order())
        key = read_idempotency_key(request)
        asked = _Asked(key=key, digest=hashlib.sha256(), errors=form.validator.errors)
        outcome = await self._submit_json(self._body(request), expected_bytes(request), form, asked)
        if isinstance(outcome, Previewed):
            raise TypeError("the old endpoint has no dry run")
        return outcome.receipt

    async def submit(self, request: Request[Any, Any, Any]) -> Outcome:
        """Submits what a request asks for, as JSON or as rows, also as the file of a form."""
        content_type = request.headers.get("content-type", "")
        body, expected = self._body(request), expected_bytes(request)
        if not content_type.lower().startswith(FORM):
            try:
                head = self._read_head(request, request.query_params, content_type, expected)
            except InvalidRequest:
                await drain(body)  # a client that is cut off while it sends would never read why
                raise
            return await self._submit(head, body)
        folder = self._settings.spool_dir or None
        upload = Upload(body, content_type)
        with full_disk_as_busy(), temporary_file(folder) as file:
            async with self._on_disk.spooling(upload.blocks(), expected, file, _ignore):
                query = MultiDict([*request.query_params.multi_items(), *upload.fields.items()])
                head = self._read_head(request, query, "", expected)
                return await self._submit(replace(head, is_file=True), _blocks_of(file))

    async def submit_file(
        self,
        blocks: AsyncIterator[bytes],
        said: MultiDict[str],
        *,
        size_bytes: int,
        key: str | None = None,
        on_opened: OnOpened | None = None,
    ) -> Outcome:
        """Submits a file that a page holds; `said` is what a query would say. `key` is one of idempotency."""
        head = self._head_of(said, {}, key, "", size_bytes)
        return await self._submit(replace(head, is_file=True, on_opened=on_opened), blocks)

    async def _submit(self, head: _Head, body: AsyncIterator[bytes]) -> Outcome:
        media_type, _, parameters = head.content_type.partition(";")
        begin, blocks = await read_head(body)
        kind = kind_of(media_type, begin)
        charset = _CHARSET.search(parameters)
        try:
            if reason := why_unreadable(media_type, begin, is_file=head.is_file):
                raise InvalidRequest(reason)
            if kind is not BodyKind.JSON and charset and charset[1].lower() not in _CHARSETS:
                raise UnsupportedMediaType(
                    f"Content-Type: rows are not read in {charset[1][:100]}; send UTF-8"
                )
        except InvalidRequest:
            await drain(blocks)
            raise
        if kind is BodyKind.JSON:
            return await self._submit_new_json(head, blocks)
        return await self._submit_rows(
            head, blocks, RowFormat.NDJSON if kind is BodyKind.NDJSON else RowFormat.CSV
        )

    async def _submit_new_json(self, head: _Head, blocks: AsyncIterator[bytes]) -> Outcome:
        digest = hashlib.sha256()
        # Without a query or credentials it is the same request on the old path.
        if head.options.credentials or head.has_query:
            digest.update(msgspec.json.encode(_fields(head.options), order="deterministic"))
        validator = self._validator(RowKind.VISIT, head.how)
        asked = _asked(head, digest, validator)
        return await self._submit_json(blocks, head.expected_bytes, NewForm(head.options, validator), asked)

    async def _submit_json(
        self, blocks: AsyncIterator[bytes], expected: int, form: Form, asked: _Asked
    ) -> Outcome:
        async with self._in_memory.reading(blocks, expected, LARGE_BODY_BYTES) as body:
            if not body.is_whole:
                read_into = partial(_read_large, form)
                return await self._submit_spooled(_chain(body.content, blocks), expected, read_into, asked)
            body.weigh()
            read = partial(read_submission, body.content, form, max_images=self._settings.max_images_per_job)
            submission = await asyncio.to_thread(read) if len(body.content) >= BIG_BODY_BYTES else read()
            if asked.is_dry:
                preview = await self._submit_preview.of_submission(submission)
                return Previewed(preview=preview, errors=asked.errors)
            if asked.key is not None:
                asked.digest.update(body.content)
                submission = replace(submission, idempotency=asked.idempotency())
            receipt = await self._job_submitter.submit(submission)
            return _submitted(receipt, submission.options, submission.image_count, asked)

    async def _submit_rows(self, head: _Head, blocks: AsyncIterator[bytes], row_format: RowFormat) -> Outcome:
        # What the query says belongs to the request as much as its body does.
        said = [row_format, _fields(head.options)]
        digest = hashlib.sha256(msgspec.json.encode(said, order="deterministic"))
        validator = self._validator(RowKind.LINE, head.how)
        table_options = TableOptions(
            column_names=head.how.column_names,
            sheet=head.how.sheet,
            folder=self._settings.spool_dir or None,
            unpacked_bytes=self._settings.max_body_bytes,
            on_opened=head.on_opened,
        )
        read_into = partial(_read_rows, row_format, head.options, validator, table_options)
        return await self._submit_spooled(
            blocks, head.expected_bytes, read_into, _asked(head, digest, validator)
        )

    async def _submit_spooled(
        self, blocks: AsyncIterator[bytes], expected_bytes: int, read_into: _ReadInto, asked: _Asked
    ) -> Outcome:
        """However slow a client is, nothing is held for it but its file."""
        folder = self._settings.spool_dir or None
        with full_disk_as_busy(), temporary_file(folder) as file, Spool(folder, origin_key) as spool:
            async with self._on_disk.spooling(blocks, expected_bytes, file, asked.digest.update):
                read = partial(read_into, file, spool, self._settings.max_images_per_job)
                threads = self._workbook_threads if is_slow_to_read(file) else self._threads
                options = await asyncio.get_running_loop().run_in_executor(threads, read)
                file.close()
                if asked.is_dry:
                    preview = await self._submit_preview.of_spool(spool)
                    return Previewed(preview=preview, errors=asked.errors)
                receipt = await self._job_submitter.submit_spooled(spool, options, asked.idempotency())
                return _submitted(receipt, options, spool.images, asked)

    def _read_head(
        self, request: Request[Any, Any, Any], query: MultiDict[str], content_type: str, expected_bytes: int
    ) -> _Head:
        credentials = read_header(request.headers.getall(HEADER, []))
        return self._head_of(query, credentials, read_idempotency_key(request), content_type, expected_bytes)

    def _head_of(
        self,
        query: MultiDict[str],
        credentials: dict[str, Credential],
        key: str | None,
        content_type: str,
        expected_bytes: int,
    ) -> _Head:
        return _Head(
            options=read_query(query, self._default_depth, credentials),
            how=read_submit_options(query),
            key=key,
            has_query=bool(IN_QUERY & query.keys()),
            content_type=content_type,
            expected_bytes=expected_bytes,
        )

    def _validator(self, kind: RowKind, how: SubmitOptions) -> VisitValidator:
        limits = ExtraLimits(
            columns=self._settings.max_extra_columns, row_bytes=self._settings.max_extra_bytes
        )
        return VisitValidator(
            kind,
            how.on_bad_row,
            is_dry=how.is_dry,
            extra_limits=limits,
            date_order=how.date_order or self._settings.default_date_order(),
        )

    def _body(self, request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
        encoding = request.headers.get("content-encoding", "")
        return unpacked(request.stream(), encoding, self._settings.max_body_bytes)


def _fields(options: JobOptions) -> dict[str, Any]:
    """The fields of a job, for a digest that an earlier version may have made."""
    fields: dict[str, Any] = msgspec.to_builtins(options)
    if not options.credentials:
        del fields["credentials"]
    return fields


def replayed(receipt: Receipt) -> dict[str, str]:
    """The header of an answer about a job that an earlier request has made; empty if this one has."""
    return {"Idempotent-Replayed": "true"} if receipt.is_replayed else {}


def _asked(head: _Head, digest: "hashlib._Hash", validator: VisitValidator) -> _Asked:
    for option in head.how.digested():
        digest.update(option.encode())
    return _Asked(key=head.key, is_dry=head.how.is_dry, digest=digest, errors=validator.errors)


def _submitted(receipt: Receipt, options: JobOptions, images: int, asked: _Asked) -> Submitted:
    return Submitted(receipt=receipt, options=options, images=images, errors=asked.errors)


def _read_large(form: Form, file: IO[bytes], spool: Spool, max_images: int) -> JobOptions:
    return read_large(file, spool, form, max_images)


def _read_rows(
    row_format: RowFormat,
    options: JobOptions,
    validator: VisitValidator,
    table_options: TableOptions,
    file: IO[bytes],
    spool: Spool,
    max_images: int,
) -> JobOptions:
    read_rows(file, row_format, spool, max_images, validator, table_options)
    return options


def _ignore(_piece: bytes) -> None:
    """Nobody else wants the bytes."""


async def _blocks_of(file: IO[bytes]) -> AsyncIterator[bytes]:
    while block := await asyncio.to_thread(file.read, WRITE_BYTES):
        yield block


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for block in rest:
        yield block
