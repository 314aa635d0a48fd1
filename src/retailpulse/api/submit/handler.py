"""Takes in the request of a submit: small JSON in memory, large JSON and rows by way of the disk; its key."""

import asyncio
import errno
import hashlib
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import IO, Any

import msgspec
from litestar import Request

from retailpulse.api.submit.body_kind import BodyKind, kind_of, read_head, why_no_table
from retailpulse.api.submit.extra_columns import ExtraLimits
from retailpulse.api.submit.job_options import HEADER, IN_QUERY, read_header, read_query
from retailpulse.api.submit.parse_json import Form, LegacyForm, NewForm, read_submission
from retailpulse.api.submit.parse_large_json import read_large
from retailpulse.api.submit.parse_rows import RowFormat, TableOptions, read_rows
from retailpulse.api.submit.request_body import BodyBudget, drain, unpacked
from retailpulse.api.submit.row_errors import RowErrors, RowKind
from retailpulse.api.submit.submit_options import SubmitOptions, read_submit_options
from retailpulse.api.submit.visit_validator import VisitValidator
from retailpulse.config.settings import ApiSettings
from retailpulse.domain.errors import Busy, InvalidRequest
from retailpulse.domain.images import Depth
from retailpulse.domain.jobs import Idempotency, JobOptions
from retailpulse.fetch import origin_key
from retailpulse.service import JobSubmitter, Receipt, SubmitPreview
from retailpulse.service.submit_preview import Preview
from retailpulse.storage.jobs.spool import Spool, temporary_file
from retailpulse.web.errors import UnsupportedMediaType

logger = logging.getLogger(__name__)

BIG_BODY_BYTES = 256 * 1024
"""A longer body is read in a thread: the others are not to wait for it."""
LARGE_BODY_BYTES = 1 << 20
"""A longer body of JSON goes by way of the disk, and is read piece by piece."""
READ_AT_ONCE = 2
"""Bodies of rows that are read at once, once they are here; further ones wait."""
_DISK_TAKES_NOTHING = {errno.ENOSPC, errno.EDQUOT, errno.ENOENT, errno.EACCES, errno.EROFS, errno.EFBIG}
_KEY = re.compile(r"[\x20-\x7e]{1,255}")
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


class SubmitHandler:
    """Handles submits on any path, and holds what all of them share."""

    def __init__(
        self,
        job_submitter: JobSubmitter,
        submit_preview: SubmitPreview,
        settings: ApiSettings,
        default_depth: Depth,
    ) -> None:
        self._job_submitter = job_submitter
        self._submit_preview = submit_preview
        self._settings = settings
        self._default_depth = default_depth
        self._in_memory = BodyBudget(settings.buffer_bytes)
        self._on_disk = BodyBudget(settings.spool_bytes)
        self._threads = ThreadPoolExecutor(READ_AT_ONCE, thread_name_prefix="rows")

    async def submit_legacy(self, request: Request[Any, Any, Any]) -> Receipt:
        """Submits what a request to the old endpoint asks for."""
        form = LegacyForm(self._default_depth, self._settings.default_date_order())
        key = _read_idempotency_key(request)
        asked = _Asked(key=key, digest=hashlib.sha256(), errors=form.validator.errors)
        outcome = await self._submit_json(self._body(request), _expected_bytes(request), form, asked)
        if isinstance(outcome, Previewed):
            raise TypeError("the old endpoint has no dry run")
        return outcome.receipt

    async def submit(self, request: Request[Any, Any, Any]) -> Outcome:
        """Submits what a request asks for, as JSON or as rows."""
        options, how, key = await self._read_head(request)
        media_type, _, parameters = request.headers.get("content-type", "").partition(";")
        head, blocks = await read_head(self._body(request))
        kind = kind_of(media_type, head)
        if kind is BodyKind.JSON:
            return await self._submit_new_json(request, blocks, options, how, key)
        if reason := why_no_table(media_type, head):
            await drain(blocks)
            raise InvalidRequest(reason)
        charset = _CHARSET.search(parameters)
        if charset and charset[1].lower() not in _CHARSETS:
            await drain(blocks)
            raise UnsupportedMediaType(f"Content-Type: rows are not read in {charset[1][:100]}; send UTF-8")
        row_format = RowFormat.NDJSON if kind is BodyKind.NDJSON else RowFormat.CSV
        return await self._submit_rows(request, blocks, row_format, options, how, key)

    async def _submit_new_json(
        self,
        request: Request[Any, Any, Any],
        blocks: AsyncIterator[bytes],
        options: JobOptions,
        how: SubmitOptions,
        key: str | None,
    ) -> Outcome:
        digest = hashlib.sha256()
        # Without a query or credentials it is the same request on the old path.
        if options.credentials or IN_QUERY & request.query_params.keys():
            digest.update(msgspec.json.encode(_fields(options), order="deterministic"))
        validator = self._validator(RowKind.VISIT, how)
        asked = _asked(how, key, digest, validator)
        return await self._submit_json(blocks, _expected_bytes(request), NewForm(options, validator), asked)

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

    async def _submit_rows(
        self,
        request: Request[Any, Any, Any],
        blocks: AsyncIterator[bytes],
        row_format: RowFormat,
        options: JobOptions,
        how: SubmitOptions,
        key: str | None,
    ) -> Outcome:
        # What the query says belongs to the request as much as its body does.
        digest = hashlib.sha256(msgspec.json.encode([row_format, _fields(options)], order="deterministic"))
        validator = self._validator(RowKind.LINE, how)
        table_options = TableOptions(
            column_names=how.column_names,
            sheet=how.sheet,
            folder=self._settings.spool_dir or None,
            unpacked_bytes=self._settings.max_body_bytes,
        )
        read_into = partial(_read_rows, row_format, options, validator, table_options)
        asked = _asked(how, key, digest, validator)
        return await self._submit_spooled(blocks, _expected_bytes(request), read_into, asked)

    async def _submit_spooled(
        self, blocks: AsyncIterator[bytes], expected_bytes: int, read_into: _ReadInto, asked: _Asked
    ) -> Outcome:
        """However slow a client is, nothing is held for it but its file."""
        folder = self._settings.spool_dir or None
        with _full_disk_as_busy(), temporary_file(folder) as file, Spool(folder, origin_key) as spool:
            async with self._on_disk.spooling(blocks, expected_bytes, file, asked.digest.update):
                read = partial(read_into, file, spool, self._settings.max_images_per_job)
                options = await asyncio.get_running_loop().run_in_executor(self._threads, read)
                file.close()
                if asked.is_dry:
                    preview = await self._submit_preview.of_spool(spool)
                    return Previewed(preview=preview, errors=asked.errors)
                receipt = await self._job_submitter.submit_spooled(spool, options, asked.idempotency())
                return _submitted(receipt, options, spool.images, asked)

    async def _read_head(
        self, request: Request[Any, Any, Any]
    ) -> tuple[JobOptions, SubmitOptions, str | None]:
        """What the query says of the job and of how to read it, and the idempotency key."""
        try:
            credentials = read_header(request.headers.getall(HEADER, []))
            options = read_query(request.query_params, self._default_depth, credentials)
            return options, read_submit_options(request.query_params), _read_idempotency_key(request)
        except InvalidRequest:
            await drain(self._body(request))  # a client that is cut off while it sends would never read why
            raise

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
    """What the fields of a job are, for a digest that an earlier version may have made."""
    fields: dict[str, Any] = msgspec.to_builtins(options)
    if not options.credentials:
        del fields["credentials"]
    return fields


def replayed(receipt: Receipt) -> dict[str, str]:
    """The header of an answer about a job that an earlier request has made; empty if this one has."""
    return {"Idempotent-Replayed": "true"} if receipt.is_replayed else {}


def _asked(how: SubmitOptions, key: str | None, digest: "hashlib._Hash", validator: VisitValidator) -> _Asked:
    for option in how.digested():
        digest.update(option.encode())
    return _Asked(key=key, is_dry=how.is_dry, digest=digest, errors=validator.errors)


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


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for block in rest:
        yield block


def _read_idempotency_key(request: Request[Any, Any, Any]) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and _KEY.fullmatch(key) is None:
        raise InvalidRequest("Idempotency-Key: write 1 to 255 printable ASCII characters, such as a UUID")
    return key


def _expected_bytes(request: Request[Any, Any, Any]) -> int:
    text = request.headers.get("content-length", "0")
    return int(text) if text.isdigit() else 0


@contextmanager
def _full_disk_as_busy() -> Iterator[None]:
    """Turns a disk that takes nothing into an answer that says so."""
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_TAKES_NOTHING:
            raise
        logger.error("submits cannot wait on disk (RETAILPULSE_API_SPOOL_DIR): %s", error)
        raise Busy("this machine's disk has no room for the submit now; send it again later") from error
