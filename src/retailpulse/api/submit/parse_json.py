"""Reads the JSON of a submit, and says exactly what is wrong with one that cannot be accepted.

A body that is too large to be in memory as objects comes here in pieces; `large_json` cuts them.
"""

import re
from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from retailpulse.api.submit.job_options import check_options
from retailpulse.domain.credentials import Credential
from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.images import Depth
from retailpulse.domain.jobs import JobOptions, Submission, Visit
from retailpulse.domain.times import parse_visit_time
from retailpulse.web.errors import TooLarge


class _Visit(msgspec.Struct, gc=False):
    store_id: str
    image_url: list[str]
    visit_time: str


class _LegacyBody(msgspec.Struct):
    """What the old endpoint reads: of other fields it never looked at the type."""

    count: int
    visits: list[_Visit]
    depth: Depth | None = None
    priority: int | float | None = None


class _Body(msgspec.Struct):
    visits: list[_Visit]
    count: int | float | None = None  # JSON has one kind of number: 7.0 is a whole one
    depth: Depth | None = None
    name: str | None = None
    labels: dict[str, str] | None = None
    priority: int | float | None = None
    callback_url: str | None = None
    credentials: dict[str, Credential] | None = None


_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NUL = b"\\u0000"
_VISIT = re.compile(r"\$\.visits\[(\d+)\](.*)")
_IN_PIECE = re.compile(r"\$\[(\d+)\]")
_TYPES = {
    "str": "a string",
    "int": "a whole number",
    "float": "a decimal number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_Decoded = TypeVar("_Decoded")
_OLD_DECODER = msgspec.json.Decoder(_LegacyBody)
_DECODER = msgspec.json.Decoder(_Body)
_VISITS_DECODER = msgspec.json.Decoder(list[_Visit])


class LegacyForm:
    """How the old endpoint reads a body: it says its `count`, and may say `depth` and `priority`."""

    def __init__(self, default_depth: Depth) -> None:
        self._default_depth = default_depth

    def read(self, body: bytes) -> tuple[_LegacyBody, JobOptions]:
        """The parsed body and its job options; raises InvalidRequest."""
        parsed = _decode(body, _OLD_DECODER)
        depth = parsed.depth or self._default_depth
        return parsed, check_options(depth=depth, priority=parsed.priority)


class NewForm:
    """How the newer endpoint reads a body; what it does not say of its job is as `in_query`."""

    def __init__(self, in_query: JobOptions) -> None:
        self._in_query = in_query

    def read(self, body: bytes) -> tuple[_Body, JobOptions]:
        """The parsed body and its job options; raises InvalidRequest."""
        parsed, query = _decode(body, _DECODER), self._in_query
        options = check_options(
            depth=parsed.depth or query.depth,
            name=query.name if parsed.name is None else parsed.name,
            labels={**query.labels, **(parsed.labels or {})},
            priority=query.priority if parsed.priority is None else parsed.priority,
            callback_url=query.callback_url if parsed.callback_url is None else parsed.callback_url,
            credentials=query.credentials if parsed.credentials is None else parsed.credentials,
        )
        return parsed, options


Form = LegacyForm | NewForm


def read_submission(body: bytes, form: Form, *, max_images: int) -> Submission:
    """The job that a body asks for, all of it in memory.

    Raises InvalidRequest naming the field, the visit and the reason; TooLarge over `max_images`.
    """
    parsed, options = form.read(body)
    check_count(parsed, len(parsed.visits))
    images = sum(len(visit.image_url) for visit in parsed.visits)
    if images > max_images:
        raise TooLarge(f"the job has {images} images, more than {max_images}: split it into several jobs")
    return Submission(visits=tuple(_checked(parsed.visits, 0, _NUL in body)), options=options)


def check_count(parsed: _LegacyBody | _Body, visits: int) -> None:
    """Raises InvalidRequest if there is no visit, or not as many as the body says."""
    if not visits:
        raise InvalidRequest("visits: there is no visit; a job needs at least one")
    if parsed.count is not None and parsed.count != visits:
        raise InvalidRequest(
            f"count does not match the visits: count is {parsed.count}, there are {visits} visits"
        )


def read_visits(text: bytes, first: int) -> Iterator[Visit]:
    """Some of the visits of a body, which are a JSON list of their own; `first` is the number of the first.

    Raises InvalidRequest as `read_submission` does.
    """
    visits = _decode(text, _VISITS_DECODER, first)
    return _checked(visits, first, _NUL in text)


def _checked(visits: Iterable[_Visit], first: int, may_hold_nul: bool) -> Iterator[Visit]:
    return (_visit(number, visit, may_hold_nul) for number, visit in enumerate(visits, first))


def _decode(body: bytes, decoder: msgspec.json.Decoder[_Decoded], first: int = 0) -> _Decoded:
    try:
        return decoder.decode(body.removeprefix(_BYTE_ORDER_MARK))  # RFC 8259, 8.1: it may be ignored
    except msgspec.ValidationError as error:
        said = _IN_PIECE.sub(lambda found: f"$.visits[{first + int(found[1])}]", str(error), count=1)
        raise InvalidRequest(explain(said)) from error
    except RecursionError as error:
        raise InvalidRequest("the body is nested too deep") from error
    except UnicodeDecodeError as error:
        reason = f"a text in it holds the byte 0x{error.object[error.start]:02x}"
        raise InvalidRequest(f"the body is not JSON in UTF-8: {reason}") from error
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"the body is not JSON in UTF-8: {error}") from error


def _visit(number: int, visit: _Visit, may_hold_nul: bool) -> Visit:
    if not visit.store_id:
        raise _refused(number, "store_id", "it is empty")
    if not visit.visit_time:
        raise _refused(number, "visit_time", "it is empty")
    if not visit.image_url:
        raise _refused(number, "image_url", "it is empty; a visit needs at least one image")
    if "" in visit.image_url:
        raise _refused(number, f"image_url[{visit.image_url.index('')}]", "it is empty")
    if may_hold_nul:
        _refuse_nul(number, visit)
    return Visit(
        store_id=visit.store_id,
        visit_time=visit.visit_time,
        visited_at=parse_visit_time(visit.visit_time),
        image_urls=tuple(visit.image_url),
    )


def _refuse_nul(number: int, visit: _Visit) -> None:
    urls = {f"image_url[{place}]": url for place, url in enumerate(visit.image_url)}
    for field, text in {"store_id": visit.store_id, "visit_time": visit.visit_time, **urls}.items():
        if "\0" in text:
            raise _refused(number, field, "it holds a NUL character (\\u0000)")


def _refused(number: int, field: str, reason: str) -> InvalidRequest:
    return InvalidRequest(f"visits[{number}].{field} (visit {number + 1}): {reason}")


def explain(message: str, choices: Iterable[str] = Depth) -> str:
    """Says in a client's words what the JSON library found: "Expected `str`, got `int` - at `$.count`"."""
    reason, _, place = message.partition(" - at ")
    reason = re.sub(r"`([a-z]+)( \| null)?`", lambda found: _TYPES.get(found[1], found[0]), reason)
    reason = reason.replace("`str | array`", "a string or a list")
    reason = reason.replace("`int | float | null`", "a whole number")
    if reason.startswith("Invalid enum value"):
        reason = f"{reason}: write {', '.join(choices)}"  # a body has one field at most that has a choice
    place = place.strip("`")
    in_visit = _VISIT.fullmatch(place)
    if in_visit:
        number = int(in_visit[1])
        return f"visits[{number}]{in_visit[2]} (visit {number + 1}): {reason}"
    where = place.removeprefix("$.").removeprefix("$")
    return f"{where}: {reason}" if where else f"the body: {reason}"
