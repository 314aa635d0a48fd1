"""Reads the JSON of a submit, and says exactly what is wrong with one that cannot be accepted.

A body that is too large to be in memory as objects comes here in pieces; `large_json` cuts them. One of
/api/v1 that the quick decoder refuses is read once more by `lenient_json`, which says all that is wrong.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from retailpulse.api.submit.explain import explain
from retailpulse.api.submit.job_options import check_options
from retailpulse.api.submit.lenient_json import read_visit
from retailpulse.api.submit.row_errors import invalid_rows
from retailpulse.api.submit.visit_validator import FirstErrorValidator, VisitValidator
from retailpulse.api.suggestions import unknown_name
from retailpulse.domain.credentials import Credential
from retailpulse.domain.date_formats import DateOrder
from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.images import Depth
from retailpulse.domain.jobs import JobOptions, Submission, Visit
from retailpulse.schema.submits import RowError
from retailpulse.web.errors import TooLarge


class _LegacyVisit(msgspec.Struct, gc=False):
    store_id: str
    image_url: list[str]
    visit_time: str


class _LegacyBody(msgspec.Struct):
    """What the old endpoint reads: of other fields it never looked at the type."""

    count: int
    visits: list[_LegacyVisit]
    depth: Depth | None = None
    priority: int | float | None = None


class _Visit(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    store_id: str
    image_url: list[str]
    visit_time: str
    extra: dict[str, Any] | None = None


class _Options(msgspec.Struct, forbid_unknown_fields=True):
    """All of a body but its visits."""

    count: int | float | None = None  # JSON has one kind of number: 7.0 is a whole one
    depth: Depth | None = None
    name: str | None = None
    labels: dict[str, str] | None = None
    priority: int | float | None = None
    callback_url: str | None = None
    credentials: dict[str, Credential] | None = None


class _Body(_Options, kw_only=True, forbid_unknown_fields=True):
    visits: list[_Visit]


_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_IN_PIECE = re.compile(r"\$\[(\d+)\]")
_Decoded = TypeVar("_Decoded")
_LEGACY_DECODER = msgspec.json.Decoder(_LegacyBody)
_LEGACY_VISITS_DECODER = msgspec.json.Decoder(list[_LegacyVisit])
_DECODER = msgspec.json.Decoder(_Body)
_OPTIONS_DECODER = msgspec.json.Decoder(_Options)
_FIELDS_DECODER = msgspec.json.Decoder(dict[str, msgspec.Raw])
_VISITS_DECODER = msgspec.json.Decoder(list[_Visit])
_RAW_VISITS_DECODER = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedBody:
    """A body that is JSON: `visit_count` visits, which are checked as they are iterated; None: a bad one."""

    options: JobOptions
    count: float | None
    visit_count: int
    visits: Iterator[Visit | None]

    def why_miscounted(self, visits: int) -> str | None:
        """What is wrong if there is no visit, or not as many as the body says."""
        if not visits:
            return "visits: there is no visit; a job needs at least one"
        if self.count is not None and self.count != visits:
            return f"count does not match the visits: count is {self.count}, there are {visits} visits"
        return None


class LegacyForm:
    """How the old endpoint reads a body: it says its `count`, and may say `depth` and `priority`."""

    def __init__(self, default_depth: Depth, date_order: DateOrder | None = None) -> None:
        self._default_depth = default_depth
        self.validator = FirstErrorValidator(date_order)

    def read(self, body: bytes) -> ParsedBody:
        """The parsed body; raises InvalidRequest."""
        parsed = _decode(body, _LEGACY_DECODER)
        options = check_options(depth=parsed.depth or self._default_depth, priority=parsed.priority)
        return ParsedBody(
            options=options,
            count=parsed.count,
            visit_count=len(parsed.visits),
            visits=self._checked(parsed.visits, 1),
        )

    def read_visits(self, text: bytes, first: int) -> Iterator[Visit | None]:
        """Some of the visits of a body, which are a JSON list of their own; the first has the number `first`.

        Numbers count from 1. Raises InvalidRequest.
        """
        return self._checked(_decode(text, _LEGACY_VISITS_DECODER, first), first)

    def _checked(self, visits: list[_LegacyVisit], first: int) -> Iterator[Visit]:
        return (
            self.validator.visit(number, visit.store_id, visit.visit_time, visit.image_url)
            for number, visit in enumerate(visits, first)
        )


class NewForm:
    """How the newer endpoint reads a body; what it does not say of its job is as `in_query`."""

    def __init__(self, in_query: JobOptions, validator: VisitValidator | None = None) -> None:
        self._in_query = in_query
        self.validator = validator or VisitValidator()

    def read(self, body: bytes) -> ParsedBody:
        """The parsed body; raises InvalidRequest for what is wrong beside the visits."""
        try:
            parsed = _DECODER.decode(body.removeprefix(_BYTE_ORDER_MARK))
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return self._read_leniently(body)
        return self._parsed(parsed, len(parsed.visits), self._checked(parsed.visits, 1))

    def read_visits(self, text: bytes, first: int) -> Iterator[Visit | None]:
        """As `LegacyForm.read_visits`."""
        try:
            return self._checked(_VISITS_DECODER.decode(text), first)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return self._checked_leniently(_decode(text, _RAW_VISITS_DECODER, first), first)

    def _read_leniently(self, body: bytes) -> ParsedBody:
        fields = _decode(body, _FIELDS_DECODER)
        visits = _decode(fields.pop("visits", msgspec.Raw(b"[]")), _RAW_VISITS_DECODER, field="visits")
        known = (*_Options.__struct_fields__, "visits")
        others = [name for name in fields if name not in known]
        if others:
            errors = [
                RowError(column=name[:100], reason=unknown_name(name, known, "field"))
                for name in others[:100]
            ]
            text = "; ".join(f"{error.column}: {error.reason}" for error in errors[:3])
            raise invalid_rows(text, errors, len(others))
        options = _decode(msgspec.json.encode(fields), _OPTIONS_DECODER)
        return self._parsed(options, len(visits), self._checked_leniently(visits, 1))

    def _parsed(self, parsed: _Options, visit_count: int, visits: Iterator[Visit | None]) -> ParsedBody:
        query = self._in_query
        options = check_options(
            depth=parsed.depth or query.depth,
            name=query.name if parsed.name is None else parsed.name,
            labels={**query.labels, **(parsed.labels or {})},
            priority=query.priority if parsed.priority is None else parsed.priority,
            callback_url=query.callback_url if parsed.callback_url is None else parsed.callback_url,
            credentials=query.credentials if parsed.credentials is None else parsed.credentials,
        )
        return ParsedBody(options=options, count=parsed.count, visit_count=visit_count, visits=visits)

    def _checked(self, visits: list[_Visit], first: int) -> Iterator[Visit | None]:
        return (
            self.validator.visit(number, visit.store_id, visit.visit_time, visit.image_url, visit.extra)
            for number, visit in enumerate(visits, first)
        )

    def _checked_leniently(self, visits: list[msgspec.Raw], first: int) -> Iterator[Visit | None]:
        for number, text in enumerate(visits, first):
            with _refused_as_no_json():
                visit = read_visit(text, number, self.validator)
            yield visit


Form = LegacyForm | NewForm


def read_submission(body: bytes, form: Form, *, max_images: int) -> Submission:
    """The job that a body asks for, all of it in memory.

    Raises InvalidRequest naming the field, the visit and the reason; TooLarge over `max_images`.
    """
    parsed = form.read(body)
    miscounted = parsed.why_miscounted(parsed.visit_count)
    if miscounted and isinstance(form, LegacyForm):
        raise InvalidRequest(miscounted)
    visits = tuple(visit for visit in parsed.visits if visit is not None)
    form.validator.finish(len(visits), miscounted)
    images = sum(len(visit.image_urls) for visit in visits)
    if images > max_images:
        raise TooLarge(f"the job has {images} images, more than {max_images}: split it into several jobs")
    return Submission(visits=visits, options=parsed.options)


def _decode(
    body: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[_Decoded], first: int = 1, *, field: str = ""
) -> _Decoded:
    if isinstance(body, bytes):
        body = body.removeprefix(_BYTE_ORDER_MARK)  # RFC 8259, 8.1: it may be ignored
    try:
        with _refused_as_no_json():
            return decoder.decode(body)
    except msgspec.ValidationError as error:
        said = _IN_PIECE.sub(lambda found: f"$.visits[{first - 1 + int(found[1])}]", str(error), count=1)
        if field and " - at " not in said:
            said = f"{said} - at `$.{field}`"
        raise InvalidRequest(explain(said)) from error


@contextmanager
def _refused_as_no_json() -> Iterator[None]:
    """Turns what the decoder finds in a body that is no JSON into an InvalidRequest."""
    try:
        yield
    except msgspec.ValidationError:
        raise
    except RecursionError as error:
        raise InvalidRequest("the body is nested too deep") from error
    except UnicodeDecodeError as error:
        reason = f"a text in it holds the byte 0x{error.object[error.start]:02x}"
        raise InvalidRequest(f"the body is not JSON in UTF-8: {reason}") from error
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"the body is not JSON in UTF-8: {error}") from error
