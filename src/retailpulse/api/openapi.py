"""The API's description (OpenAPI 3.1), at /openapi.json: the framework's, completed by what handlers tell.

Parameters, ids and texts are the framework's; shapes of bodies and answers are msgspec's, the library that
writes and reads them.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from importlib.metadata import version
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, License, SecurityScheme
from litestar.openapi.spec import Tag as TagSpec
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler

from retailpulse.api.problems import PROBLEM_TYPE, Problem, kind_of, refusal
from retailpulse.api.telling import (
    JOB_ID,
    JSON,
    RETRY_AFTER,
    Answer,
    Content,
    Header,
    Param,
    Tag,
    Told,
    told,
)

COMPONENT = "#/components/schemas/{name}"
KEY_SCHEME = "key"
ALWAYS = (401, 403, 429, 500, 503)
"""What any request to the API may be refused with, whatever it asks for."""

_EXAMPLE_PARTS = {"job_id": JOB_ID, "store_id": "RP00001", "name": "no-such-problem"}
TAGS = {
    Tag.CONTRACT: "The three endpoints that existed first, kept exactly as they were.",
    Tag.JOBS: "Submit jobs, see where they stand, call them off, try again what failed.",
    Tag.RESULTS: "One row per image.",
    Tag.STORES: "The store master.",
    Tag.VISITS: "Visits with their perimeters.",
    Tag.DELIVERIES: "Signed callbacks and the log of their tries.",
    Tag.SERVICE: "How the service itself does.",
}

DESCRIPTION = """\
Post a job, visits to stores with the URLs of their photos; get one result per image, whatever crashes.

Errors under `/api/v1` are problem details (RFC 9457); their `type` leads to a page that explains it.
The three old endpoints answer `{"error": "..."}`. Lists come in pages: follow `next` until it is null.
Times are RFC 3339 in UTC.
"""


class Refusal(msgspec.Struct):
    """Why a request to one of the old endpoints was refused."""

    error: str


def _config() -> OpenAPIConfig:
    """What the framework is to write into the description by itself."""
    return OpenAPIConfig(
        title="Retail Pulse",
        version=version("retailpulse"),
        description=DESCRIPTION,
        license=License(name="MIT", identifier="MIT"),
        tags=[TagSpec(name=tag, description=text) for tag, text in TAGS.items()],
        components=Components(
            security_schemes={
                KEY_SCHEME: SecurityScheme(
                    type="http", scheme="bearer", description="An API key: `retailpulse keys create`."
                )
            }
        ),
        security=[{KEY_SCHEME: []}, {}],
        use_handler_docstrings=True,
    )


def describe(handlers: Sequence[ControllerRouterHandler], dependencies: Collection[str]) -> dict[str, Any]:
    """The whole description of what handlers do; `dependencies` are arguments that are no parameters.

    It is taken from an application that serves nothing, so that the one which serves has no routes of the
    framework's own.
    """
    provided = {name: Provide(lambda: None, sync_to_thread=False) for name in dependencies}
    app = Litestar(handlers, dependencies=provided, openapi_config=_config(), logging_config=None)
    description: dict[str, Any] = app.openapi_schema.to_schema()
    operations = list(_operations(app, description))
    shapes = _Shapes(_shapes(each for _, _, each in operations))
    for path, operation, each in operations:
        _complete(path, operation, each, shapes)
    schemas = description.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(shapes.components)
    return description


def _operations(app: Litestar, description: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], Told]]:
    """Every operation whose handler tells something, with its path."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            methods = description["paths"].get(route.path_format, {})
            for handler in route.route_handlers:
                for method in handler.http_methods:
                    operation, each = methods.get(method.lower()), handler.opt.get("told")
                    if operation is not None and each is not None:
                        yield route.path_format, operation, each


class _Shapes:
    """The schemas of all shapes, those that have a name as components."""

    def __init__(self, shapes: list[Any]) -> None:
        self._shapes = shapes
        self._schemas, self.components = msgspec.json.schema_components(shapes, ref_template=COMPONENT)

    def of(self, shape: Any) -> dict[str, Any]:
        """The schema of a shape, or a reference to it."""
        if shape is bytes:
            return {"type": "string", "format": "binary"}
        return dict(self._schemas[self._shapes.index(shape)])


def _shapes(everything: Iterable[Told]) -> list[Any]:
    found: list[Any] = [Problem, Refusal, int, str]
    for each in everything:
        answers = each.answers.values()
        contents = [content for answer in answers for content in answer.contents]
        contents += each.body.contents if each.body else ()
        headers = [header for answer in answers for header in answer.headers.values()]
        shapes = [content.shape for content in contents]
        shapes += [header.shape for header in headers] + [param.shape for param in each.params]
        found += [shape for shape in shapes if shape is not bytes and shape not in found]
    return found


def _complete(path: str, operation: dict[str, Any], each: Told, shapes: _Shapes) -> None:
    params = [_tidy(param) for param in operation.get("parameters", [])]
    params += [_param(param, shapes) for param in each.params]
    if params:
        operation["parameters"] = params
    if each.body is not None:
        operation["requestBody"] = {
            "description": each.body.meaning,
            "required": each.body.is_required,
            "content": _content(each.body.contents, shapes),
        }
    answers = {status: _answer(answer, shapes) for status, answer in each.answers.items()}
    for status in _refusals(path, operation, each):
        answers.setdefault(status, _refusal(path, status, shapes))
    operation.pop("deprecated", None)
    operation["responses"] = {str(status): answers[status] for status in sorted(answers)}


def _tidy(param: dict[str, Any]) -> dict[str, Any]:
    """A parameter of the framework's without what says nothing; one that may be left out is never null."""
    schema = param["schema"]
    kinds = [kind for kind in schema.get("oneOf", []) if kind != {"type": "null"}]
    if len(kinds) == 1:
        schema = {**{name: value for name, value in schema.items() if name != "oneOf"}, **kinds[0]}
    return {name: value for name, value in {**param, "schema": schema}.items() if value is not False}


def _refusals(path: str, operation: dict[str, Any], each: Told) -> set[int]:
    statuses = set(each.refusals)
    if path.startswith("/api/"):
        statuses |= set(ALWAYS)
    if "parameters" in operation:
        statuses.add(400)
    if each.body is not None:
        statuses |= {400, 413}
    return statuses


def _refusal(path: str, status: int, shapes: _Shapes) -> dict[str, Any]:
    kind = kind_of(status)
    instance = path.format_map(_EXAMPLE_PARTS)
    body, media_type = refusal({"path": path, "raw_path": instance.encode()}, status, f"{kind.title}.")
    content = Content(
        shape=Problem if media_type == PROBLEM_TYPE else Refusal, media_type=media_type, example=body
    )
    headers = {"Retry-After": RETRY_AFTER} if status in {429, 503} else {}
    meaning = kind.meaning.replace("`detail`", "`error`") if media_type != PROBLEM_TYPE else kind.meaning
    return _answer(Answer(meaning=meaning, contents=(content,), headers=headers), shapes)


def _answer(answer: Answer, shapes: _Shapes) -> dict[str, Any]:
    described: dict[str, Any] = {"description": answer.meaning}
    if answer.headers:
        described["headers"] = {name: _header(header, shapes) for name, header in answer.headers.items()}
    if answer.contents:
        described["content"] = _content(answer.contents, shapes)
    return described


def _content(contents: tuple[Content, ...], shapes: _Shapes) -> dict[str, Any]:
    described = {}
    for content in contents:
        media: dict[str, Any] = {"schema": shapes.of(content.shape)}
        if content.examples:
            media["examples"] = {name: {"value": example} for name, example in content.examples.items()}
        elif content.example is not None:
            media["example"] = content.example
        described[content.media_type] = media
    return described


def _header(header: Header, shapes: _Shapes) -> dict[str, Any]:
    example = {} if header.example is None else {"example": header.example}
    return {"description": header.meaning, "schema": shapes.of(header.shape), **example}


def _param(param: Param, shapes: _Shapes) -> dict[str, Any]:
    example = {} if param.example is None else {"example": param.example}
    return {
        "name": param.name,
        "in": param.place,
        "description": param.meaning,
        "required": False,
        "schema": shapes.of(param.shape),
        **example,
    }


class Description:
    """The description of an application as it is served, written once it is first asked for."""

    def __init__(self, handlers: Sequence[ControllerRouterHandler], dependencies: Collection[str]) -> None:
        self._handlers = handlers
        self._dependencies = dependencies
        self._body = b""
        self._tag = ""

    def answer(self, request: Request[Any, Any, Any]) -> Response[bytes | None]:
        """The description, or 304 to who has it already."""
        if not self._body:
            self._body = msgspec.json.encode(describe(self._handlers, self._dependencies))
            self._tag = f'"{hashlib.sha256(self._body).hexdigest()[:32]}"'
        headers = {"ETag": self._tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == self._tag:
            return Response(None, status_code=304, headers=headers)
        return Response(self._body, media_type=JSON, headers=headers)


@get(
    "/openapi.json",
    operation_id="getDescription",
    summary="This description",
    tags=[Tag.SERVICE],
    security=[{}],
    opt=told(dict[str, Any], meaning="The description of the API."),
    sync_to_thread=True,
)
def openapi_json(request: Request[Any, Any, Any], description: Description) -> Response[bytes | None]:
    """The API's description: OpenAPI 3.1 in JSON."""
    return description.answer(request)
