"""How a handler annotates its operation for the description (OpenAPI): bodies, answers, refusals, headers.

A handler passes `opt=documented(...)`, beside the framework's own `operation_id`, `summary` and `tags`.
Parameters are taken from its signature, its description from its docstring. `document.py` puts it together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta

JSON = "application/json"
CSV = "text/csv"
NDJSON = "application/x-ndjson"
PARQUET = "application/vnd.apache.parquet"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
JPEG = "image/jpeg"
EVENTS = "text/event-stream"
HTML = "text/html"
SVG = "image/svg+xml"
TEXT = "text/plain"
MARKDOWN = "text/markdown"

JOB_ID = "01932c5e-7a00-7000-8000-000000000001"
"""The job of all examples."""


Text = Annotated[str, Meta(pattern="^[^\\u0000]*$")]
"""A text that the database can hold."""
When = Annotated[str, Meta(extra_json_schema={"anyOf": [{"format": "date"}, {"format": "date-time"}]})]
"""A date or an RFC 3339 time, as parameters take it."""
Day = Annotated[str, Meta(extra_json_schema={"format": "date"})]
"""A day, as parameters take it."""
TimeZone = Annotated[str, Meta(pattern="^[A-Za-z_]+(/[A-Za-z0-9_+-]+)*$", max_length=100)]
"""The name of a time zone; only the database knows which there are."""
CursorText = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]*$", max_length=4_000)]
"""The beginning of a page of a list; only the list knows which texts are positions of it."""
REVIEWER_PATTERN = "^[^\\u0000]*[^\\u0000\\s][^\\u0000]*$"
"""The name of a person: a text that is not blank."""
ReviewerName = Annotated[str, Meta(pattern=REVIEWER_PATTERN, max_length=200)]
"""A person's name, as parameters take it."""
LabelText = Annotated[str, Meta(pattern="^[A-Za-z0-9_.-]{1,63}:[^\\u0000]{0,200}$")]
"""A label in a query, `name:value`."""


class Tag(StrEnum):
    """The groups in which readers of the description show its operations."""

    LEGACY = "contract"
    JOBS = "jobs"
    RESULTS = "results"
    REVIEW = "review"
    STORES = "stores"
    VISITS = "visits"
    PHOTOS = "photos"
    REPORTS = "reports"
    DELIVERIES = "deliveries"
    SERVICE = "service"


@dataclass(frozen=True, kw_only=True, slots=True)
class ContentSpec:
    """One form in which a body comes. `shape` is a type that msgspec can describe; bytes: not text."""

    shape: Any
    media_type: str = JSON
    example: Any = None
    examples: Mapping[str, Any] = field(default_factory=dict)
    """Several examples, by what they show, in place of one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeaderSpec:
    """A header of an answer; one that `is_always` there is missing in no answer of its status."""

    meaning: str
    shape: Any = str
    example: Any = None
    is_always: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ResponseSpec:
    """What an answer of one status means, and what it holds: nothing, or one of several forms."""

    meaning: str
    contents: tuple[ContentSpec, ...] = ()
    headers: Mapping[str, HeaderSpec] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestBodySpec:
    """The body of a request, in one of several forms."""

    meaning: str
    contents: tuple[ContentSpec, ...]
    is_required: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class ParameterSpec:
    """A parameter that does not stand in the handler's signature; `place` is query or header."""

    name: str
    meaning: str
    place: str = "query"
    shape: Any = str
    example: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationSpec:
    """What a handler declares about its operation: answers, refusals, body, parameters."""

    answers: Mapping[int, ResponseSpec]
    refusals: tuple[int, ...] = ()
    body: RequestBodySpec | None = None
    params: tuple[ParameterSpec, ...] = ()


LOCATION = HeaderSpec(meaning="The path of what was made.", example=f"/api/v1/jobs/{JOB_ID}", is_always=True)
REPLAYED = HeaderSpec(meaning="`true`: an earlier request with this key has made the job.", example="true")
LINK = HeaderSpec(
    meaning='The next page: `<...>; rel="next"`; not there on the last one.',
    example='</api/v1/jobs?limit=100&cursor=eyJhIjoxfQ>; rel="next"',
)
RETRY_AFTER = HeaderSpec(meaning="In how many seconds to try again.", shape=int, example=5, is_always=True)


def documented(
    shape: Any = None,
    *refusals: int,
    example: Any = None,
    meaning: str = "Done.",
    status: int = 200,
    headers: Mapping[str, HeaderSpec] | None = None,
    answers: Mapping[int, ResponseSpec] | None = None,
    body: RequestBodySpec | None = None,
    params: tuple[ParameterSpec, ...] = (),
) -> dict[str, Any]:
    """The `opt` of a handler: documented(Job, 404, example=...), or `answers` for what is not one JSON shape.

    `refusals` are the statuses with which it may refuse, beyond those that any request may get (401, 403,
    429, 500, 503; 400 if it has parameters; 400 and 413 if it has a body).
    """
    given = dict(answers or {})
    if shape is not None:
        content = ContentSpec(shape=shape, example=example)
        given[status] = ResponseSpec(meaning=meaning, contents=(content,), headers=headers or {})
    return {"operation_spec": OperationSpec(answers=given, refusals=refusals, body=body, params=params)}
