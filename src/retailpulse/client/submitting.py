"""Submitting a job, or only trying it: from rows, or from a file of JSON, NDJSON or a table."""

import gzip
import json
import os
import uuid
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import IO, Any, Literal, TypedDict, TypeGuard, Unpack

import msgspec

from retailpulse.client.bodies import Body, Sent, body_of_blocks, body_of_file
from retailpulse.client.errors import BadInput
from retailpulse.client.exchange import Exchange
from retailpulse.client.jobs import job
from retailpulse.client.rows import lines
from retailpulse.client.transports import LONG_SECONDS, HttpRequest, Params
from retailpulse.schema import DryRun, SubmittedJob

FileFormat = Literal["json", "ndjson", "csv", "tsv", "xlsx", "ods", "parquet"]
Source = str | os.PathLike[str] | IO[bytes] | IO[str] | Iterable[Any]

MEDIA_TYPES: dict[str, str] = {
    "json": "application/json",
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "tsv": "text/tab-separated-values",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "parquet": "application/vnd.apache.parquet",
}
_ANY_TYPE = "application/octet-stream"
"""What a file is sent as whose name does not say its format: the service goes by its bytes."""
_SUFFIXES = {**{f".{name}": name for name in MEDIA_TYPES}, ".jsonl": "ndjson", ".tab": "tsv"}

_KEY_CHARACTERS = 255
_PACKED = ".gz"
_FIELDS = ("depth", "priority", "name", "callback_url")
_QUERY_ONLY = ("sheet", "date_order", "on_bad_row")
"""What belongs to the request and not to the job."""


class SubmitOptions(TypedDict, total=False):
    """What may be said of a submit beside its visits; `submit` says what each means."""

    format: FileFormat | None
    depth: str | None
    priority: int | None
    name: str | None
    labels: Mapping[str, str] | None
    callback_url: str | None
    credentials: Mapping[str, Any] | None
    columns: Mapping[str, str] | None
    sheet: str | None
    date_order: str | None
    on_bad_row: str | None
    idempotency_key: str | None
    on_sent: Sent | None


class _Submitted(msgspec.Struct):
    job_id: str


async def submit(exchange: Exchange, visits: Source, **options: Unpack[SubmitOptions]) -> str:
    """Submit a job and give its id. `visits` are rows or a file:

    - rows with `store_id`, `image_url` and `visit_time`: dicts, objects, a data frame, any iterable. One with
      a list of URLs is a visit; consecutive ones with one URL, of one store and time, are one visit.
    - a file, by its path or open: JSON, NDJSON, CSV, XLSX, ODS or Parquet, packed if its name ends with .gz;
      `format` says which it is; else its name does, or the service finds it by its bytes.

    `depth` is header, download or decode, `priority` -100 to 100, the higher the sooner; `credentials` are
    what private hosts are sent, such as {"survey.example.com": {"bearer": token}}. Of a table `columns` says
    which column is which, by header, letter or number ({"store_id": "Outlet"}), `sheet` which sheet it is.
    `date_order` is day-first or month-first; `on_bad_row` "skip" leaves out rows that are wrong. `on_sent` is
    called with how many bytes are sent, of how many. What breaks off is sent again and makes one job. A
    program that may die and start over gives an `idempotency_key`: the same with the same visits is the same
    job. Raises InvalidRequest, whose `members["errors"]` lists wrong rows, TooLarge, Conflict (the key was
    used for other visits), BadInput.

    >>> visits = [{"store_id": "RP00001", "image_url": ["none", "neither"], "visit_time": "2026-11-20"}]
    >>> job_id = client.submit(visits, name="Monday", labels={"region": "north"}, depth="header")
    >>> client.job(job_id).images.total
    2
    """
    content = await _send(exchange, visits, options)
    return exchange.decode(content, _Submitted).job_id


async def submitted(exchange: Exchange, visits: Source, **options: Unpack[SubmitOptions]) -> SubmittedJob:
    """Submit a job as `submit` does, and give the whole answer: the job, with warnings and skipped rows.

    >>> visits = [{"store_id": "RP00001", "image_url": "ftp://a", "visit_time": "20/11/2026"}]
    >>> [warning.code for warning in client.submitted(visits).warnings]
    ['visit_time_ambiguous']
    """
    content = await _send(exchange, visits, options)
    try:
        return msgspec.json.decode(content, type=SubmittedJob)
    except msgspec.MsgspecError:  # a service of before answers the id alone
        job_id = exchange.decode(content, _Submitted).job_id
        return SubmittedJob(**msgspec.structs.asdict(await job(exchange, job_id)))


async def dry_run(exchange: Exchange, visits: Source, **options: Unpack[SubmitOptions]) -> DryRun:
    """Say what `submit` would do with the same visits, and all that is wrong with them; nothing is kept.

    >>> visits = [{"store_id": "RP00001", "image_url": "a b", "visit_time": "2026-11-20"}]
    >>> found = client.dry_run(visits)
    >>> found.images, [error.column for error in found.errors]
    (0, ['image_url'])
    """
    return exchange.decode(await _send(exchange, visits, options, is_dry=True), DryRun)


async def _send(exchange: Exchange, visits: Source, options: SubmitOptions, *, is_dry: bool = False) -> bytes:
    given = dict[str, Any](options)
    file_format, on_sent = given.pop("format", None), given.pop("on_sent", None)
    key = given.pop("idempotency_key", None)
    labels, credentials = given.pop("labels", None), given.pop("credentials", None)
    columns = given.pop("columns", None) or {}
    query = [(name, str(value)) for name in _QUERY_ONLY if (value := given.pop(name, None)) is not None]
    query += [("columns", f"{name}:{column}") for name, column in columns.items()]
    if key is not None and not (0 < len(key) <= _KEY_CHARACTERS and key.isascii() and key.isprintable()):
        raise BadInput(f"idempotency_key {key!r}: write 1 to {_KEY_CHARACTERS} printable ASCII characters")
    unknown = given.keys() - set(_FIELDS)
    if unknown:
        raise TypeError(f"{sorted(unknown)[0]} is no option of a submit")
    asking = _SubmitParameters(
        _format_of(visits, file_format),
        _given(given),
        dict(labels or {}),
        str(uuid.uuid4()) if key is None else key,
        [*query, *([("dry_run", "true")] if is_dry else [])],
        credentials or {},
    )
    with ExitStack() as files:
        request = await exchange.transport.run(lambda: asking.request(visits, files, on_sent))
        return await exchange.attempt(request, exchange.transport.read)


def _given(fields: Mapping[str, str | int | None]) -> dict[str, str | int]:
    return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True, slots=True)
class _SubmitParameters:
    """What is asked for beside the visits themselves."""

    format: str | None
    fields: dict[str, str | int]
    labels: dict[str, str]
    key: str
    query: Params
    credentials: Mapping[str, Any] = field(repr=False)

    def request(self, visits: Source, files: ExitStack, on_sent: Sent | None) -> HttpRequest:
        """The request, its body opened within `files`; reads what is no file to its end."""
        body, is_packed = files.enter_context(_body(visits, on_sent)), _name_of(visits).endswith(_PACKED)
        params = list(self.query)
        if self.format != "json":
            params += [(name, str(value)) for name, value in self.fields.items()]
            params += [("label", f"{name}:{value}") for name, value in self.labels.items()]
        elif self.fields or self.labels:
            extra = self.fields | ({"labels": self.labels} if self.labels else {})
            content = gzip.decompress(body.content()) if is_packed else body.content()
            body, is_packed = (
                files.enter_context(body_of_blocks([_with_fields(content, extra)], on_sent)),
                False,
            )
        headers = {
            "Content-Type": MEDIA_TYPES.get(self.format or "", _ANY_TYPE),
            "Content-Length": str(body.size_bytes),
            "Idempotency-Key": self.key,
            # In no body, as a large one goes by way of files, and in no query.
            **({"Retailpulse-Credentials": json.dumps(self.credentials)} if self.credentials else {}),
        } | ({"Content-Encoding": "gzip"} if is_packed else {})
        return HttpRequest(
            method="POST",
            path="/api/v1/jobs",
            params=params,
            headers=headers,
            blocks=body.blocks,
            read_seconds=LONG_SECONDS,
        )


def _body(visits: Source, on_sent: Sent | None) -> AbstractContextManager[Body]:
    return body_of_file(visits, on_sent) if _is_file(visits) else body_of_blocks(lines(visits), on_sent)


def _is_file(visits: Source) -> TypeGuard[str | os.PathLike[str] | IO[Any]]:
    return isinstance(visits, str | os.PathLike) or hasattr(visits, "read")


def _format_of(visits: Source, given: str | None) -> str | None:
    """The format of visits; None for a file whose name does not say it."""
    if given is not None and given not in MEDIA_TYPES:
        raise BadInput(f"format {given!r} is not one of {', '.join(MEDIA_TYPES)}")
    if not _is_file(visits):
        if given not in {None, "ndjson"}:
            raise BadInput("a format is for files; rows have none")
        return "ndjson"
    if given is not None:
        return given
    return _SUFFIXES.get(PurePath(_name_of(visits).removesuffix(_PACKED)).suffix.lower())


def _name_of(visits: Source) -> str:
    """The name of a file; empty for what is none, or has none."""
    path = visits if isinstance(visits, str | os.PathLike) else getattr(visits, "name", "")
    return os.fspath(path) if isinstance(path, str | os.PathLike) else ""


def _with_fields(content: bytes, fields: Mapping[str, Any]) -> bytes:
    """A JSON body with fields set; all else stays as it is, byte for byte."""
    try:
        found = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(f"the file is not a JSON object in UTF-8: {error}") from error
    found |= {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}
    return msgspec.json.encode(found)
