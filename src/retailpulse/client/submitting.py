"""Submitting a job: from rows, or from a file of JSON, CSV or NDJSON."""

import os
import uuid
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import PurePath
from typing import IO, Any, Literal, TypeGuard

import msgspec

from retailpulse.client.bodies import Body, Sent, body_of_blocks, body_of_file
from retailpulse.client.errors import BadInput
from retailpulse.client.exchange import Exchange
from retailpulse.client.rows import lines
from retailpulse.client.transports import Ask, Params

FileFormat = Literal["json", "csv", "ndjson"]
Source = str | os.PathLike[str] | IO[bytes] | IO[str] | Iterable[Any]

MEDIA_TYPES: dict[str, str] = {
    "json": "application/json",
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
}
_SUFFIXES = {".json": "json", ".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}


class _Submitted(msgspec.Struct):
    job_id: str


async def submit(
    exchange: Exchange,
    visits: Source,
    *,
    format: FileFormat | None = None,
    depth: str | None = None,
    priority: int | None = None,
    name: str | None = None,
    labels: Mapping[str, str] | None = None,
    callback_url: str | None = None,
    idempotency_key: str | None = None,
    on_sent: Sent | None = None,
) -> str:
    """Submit a job and give its id.

    `visits` is one of

    - rows with `store_id`, `image_url` and `visit_time`: dicts, objects, a data frame of pandas or polars,
      a table of Arrow, any iterable. One with a list of URLs is a visit; consecutive rows with a single
      URL, of the same store and time, are one visit. Rows are taken one by one and kept on disk, not in
      memory, until they are sent.
    - the path of a file, or an open one, in text or binary: JSON as the service takes it, CSV or NDJSON.
      `format` says which where its name does not.

    `depth` is header, download or decode, `priority` -100 to 100, the higher the sooner; `labels` are up to
    20 names with values. `on_sent` is told how many bytes are sent, of how many.

    An interrupted submit is sent again by itself, under an idempotency key, so that it makes one job. A
    program that may die and start over gives a key of its own: the same key with the same visits is the
    same job.

    Raises InvalidRequest, TooLarge, Conflict (the key was used for other visits), BadInput, and what every
    call raises.

    >>> visits = [{
    ...     "store_id": "RP00001",
    ...     "image_url": ["https://photos.example/a.jpg", "https://photos.example/b.jpg"],
    ...     "visit_time": "2026-11-20T10:00:00Z",
    ... }]
    >>> job_id = client.submit(visits, name="Monday", labels={"region": "north"}, depth="header")
    >>> client.job(job_id).images.total
    2
    """
    fields = {"depth": depth, "priority": priority, "name": name, "callback_url": callback_url}
    given = {key: value for key, value in fields.items() if value is not None}
    key = str(uuid.uuid4()) if idempotency_key is None else idempotency_key
    chosen = _format_of(visits, format)
    with ExitStack() as files:
        body = await exchange.transport.run(lambda: files.enter_context(_body(visits, on_sent)))
        params: Params = []
        if chosen == "json":
            if given or labels:
                extra = given | ({"labels": dict(labels)} if labels else {})
                body = files.enter_context(body_of_blocks([_with_fields(body, extra)], on_sent))
        else:
            params = [(field, str(value)) for field, value in given.items()]
            params += [("label", f"{label}:{value}") for label, value in (labels or {}).items()]
        request = Ask(
            method="POST",
            path="/api/v1/jobs",
            params=params,
            headers={
                "Content-Type": MEDIA_TYPES[chosen],
                "Content-Length": str(body.size_bytes),
                "Idempotency-Key": key,
            },
            blocks=body.blocks,
        )
        return (await exchange.fetch(request, _Submitted)).job_id


def _body(visits: Source, on_sent: Sent | None) -> AbstractContextManager[Body]:
    return body_of_file(visits, on_sent) if _is_file(visits) else body_of_blocks(lines(visits), on_sent)


def _is_file(visits: Source) -> TypeGuard[str | os.PathLike[str] | IO[Any]]:
    return isinstance(visits, str | os.PathLike) or hasattr(visits, "read")


def _format_of(visits: Source, given: str | None) -> str:
    if given is not None and given not in MEDIA_TYPES:
        raise BadInput(f"format {given!r} is none of {', '.join(MEDIA_TYPES)}")
    if not _is_file(visits):
        if given not in {None, "ndjson"}:
            raise BadInput("a format is for files; rows have none")
        return "ndjson"
    if given is not None:
        return given
    path = visits if isinstance(visits, str | os.PathLike) else getattr(visits, "name", "")
    name = os.fspath(path) if isinstance(path, str | os.PathLike) else ""
    found = _SUFFIXES.get(PurePath(name).suffix.lower())
    if found is None:
        raise BadInput(
            f"{name or 'the file'}: its name does not say its format; give format='json', 'csv' or 'ndjson'"
        )
    return found


def _with_fields(body: Body, fields: Mapping[str, Any]) -> bytes:
    """A JSON body with fields set; all else stays as it is, byte for byte."""
    try:
        found = msgspec.json.decode(body.content(), type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(f"the file is not a JSON object in UTF-8: {error}") from error
    found |= {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}
    return msgspec.json.encode(found)
