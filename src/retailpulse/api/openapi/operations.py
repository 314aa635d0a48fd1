"""Completes one operation of the API's description by what its handler tells."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal
from uuid import UUID

from retailpulse.api.openapi.annotations import (
    JOB_ID,
    RETRY_AFTER,
    ContentSpec,
    CursorText,
    Day,
    HeaderSpec,
    LabelText,
    OperationSpec,
    ParameterSpec,
    ResponseSpec,
    ReviewerName,
    Text,
    TimeZone,
    When,
)
from retailpulse.api.openapi.schemas import Schemas
from retailpulse.api.unknown_parameters import CHECKED
from retailpulse.schema import WORDS
from retailpulse.web.middleware.scopes import needed_scope
from retailpulse.web.problem_details import PROBLEM_TYPE, Problem, Refusal, refusal
from retailpulse.web.problem_kinds import kind_of

ALWAYS = frozenset({401, 403, 429, 500, 503})
"""What any request to the API may be refused with, whatever it asks for."""
TOO_LONG = "The address is longer than 64 kB; the server refuses it unread, with an empty answer."
PATH_PARTS: Mapping[str, tuple[str, str]] = {
    "job_id": ("The id of a job.", JOB_ID),
    "image_no": ("The number of an image in its job, from 1.", "1"),
    "store_id": ("The id of a store.", "RP00001"),
    "name": ("The last part of a problem's `type`.", "not-found"),
}
"""What the parts of paths mean, with an example of each."""
QUERY_SHAPES: Mapping[str, Any] = {
    "area": Text,
    "by": ReviewerName,
    "cursor": CursorText,
    "day": Day,
    "from_day": Day,
    "job": Text,
    "include": Literal["earlier"],
    "job_id": UUID,
    "label": LabelText,
    "name": Text,
    "origin": Text,
    "q": Text,
    "since": When,
    "store_id": Text,
    "submitted_after": When,
    "submitted_before": When,
    "to_day": Day,
    "tz": TimeZone,
    "until": When,
    "visited_after": When,
    "visited_before": When,
}
"""What texts in a query look like, by the name of their parameter; the framework knows them as texts only."""


def shapes_of(everything: Iterable[OperationSpec]) -> list[Any]:
    """All shapes that have a schema, once each."""
    found: list[Any] = [Problem, Refusal, int, str, *WORDS, *QUERY_SHAPES.values()]
    for each in everything:
        answers = each.answers.values()
        shapes = [content.shape for answer in answers for content in answer.contents]
        shapes += [content.shape for content in each.body.contents] if each.body else []
        shapes += [header.shape for answer in answers for header in answer.headers.values()]
        shapes += [param.shape for param in each.params]
        found += [shape for shape in shapes if shape is not bytes and shape not in found]
    return found


def complete(
    method: str, path: str, operation: dict[str, Any], spec: OperationSpec, schemas: Schemas
) -> None:
    """Adds bodies, answers, refusals and headers to an operation as the framework describes it."""
    params = [_tidy(param, schemas) for param in operation.get("parameters", [])]
    params += [_param(param, schemas) for param in spec.params]
    if params:
        operation["parameters"] = params
    if spec.body is not None:
        operation["requestBody"] = {
            "description": spec.body.meaning,
            "required": spec.body.is_required,
            "content": _content(spec.body.contents, schemas),
        }
    answers = {status: _answer(answer, schemas) for status, answer in spec.answers.items()}
    if any(param["in"] != "path" for param in params):
        answers[414] = {"description": TOO_LONG}
    for status in _refusals(method, path, operation, spec):
        answers.setdefault(status, _refusal(path, status, schemas))
    scope = needed_scope(method, path)
    if scope is None:
        operation["security"] = []
    else:
        operation["description"] += f"\n\nWhere API keys are asked for: one with the scope `{scope}`."
    instance = path.format_map({name: example for name, (_, example) in PATH_PARTS.items()})
    for answer in answers.values():
        _lead_on(answer, instance)
    operation.pop("deprecated", None)
    operation["responses"] = {str(status): answers[status] for status in sorted(answers)}


def link_jobs(paths: dict[str, dict[str, dict[str, Any]]]) -> None:
    """Links the answers that make a job to what can be asked of it next."""
    operations = [operation for methods in paths.values() for operation in methods.values()]
    links = {}
    for operation in operations:
        names = {param["name"] for param in operation.get("parameters", ())} & {"job_id", "jobid"}
        for name in names:
            parameters = {name: "$response.body#/job_id"}
            links[operation["operationId"]] = {
                "operationId": operation["operationId"],
                "parameters": parameters,
            }
    for operation in operations:
        if "201" in operation["responses"]:
            operation["responses"]["201"]["links"] = links


def _tidy(param: dict[str, Any], schemas: Schemas) -> dict[str, Any]:
    """A parameter of the framework's without what says nothing; one that may be left out is never null."""
    schema = dict(param["schema"])
    kinds = [kind for kind in schema.get("oneOf", []) if kind != {"type": "null"}]
    if len(kinds) == 1:
        del schema["oneOf"]
        schema |= kinds[0]
    schema.pop("description", None)
    if param["in"] == "query" and param["name"] in QUERY_SHAPES:
        shape = schemas.of(QUERY_SHAPES[param["name"]])
        schema = {**schema, "items": shape} if schema.get("type") == "array" else shape
    for limit in ("minimum", "maximum"):
        if schema.get("type") == "integer" and limit in schema:
            schema[limit] = int(schema[limit])
    tidied = {name: value for name, value in {**param, "schema": schema}.items() if value is not False}
    if param["in"] == "path":
        tidied["description"], tidied["example"] = PATH_PARTS[param["name"]]
        tidied.pop("examples", None)
    return tidied


def _param(param: ParameterSpec, schemas: Schemas) -> dict[str, Any]:
    # An example of its own would stand in the forms of readers, and be sent by people who only want to try.
    example = "" if param.example is None else f" For example `{param.example}`."
    return {
        "name": param.name,
        "in": param.place,
        "description": f"{param.meaning}{example}",
        "schema": schemas.of(param.shape),
    }


def _refusals(method: str, path: str, operation: dict[str, Any], spec: OperationSpec) -> set[int]:
    statuses = set(spec.refusals)
    if needed_scope(method, path) is not None:
        statuses |= ALWAYS
    if path.startswith(CHECKED) or any(param["in"] == "query" for param in operation.get("parameters", ())):
        statuses.add(400)
    if any(param["name"] == "cursor" for param in operation.get("parameters", ())):
        statuses.add(404)
    if spec.body is not None:
        statuses |= {400, 413}
    return statuses


def _refusal(path: str, status: int, schemas: Schemas) -> dict[str, Any]:
    kind = kind_of(status)
    instance = path.format_map({name: example for name, (_, example) in PATH_PARTS.items()})
    body, media_type = refusal({"path": path, "raw_path": instance.encode()}, status, f"{kind.title}.")
    is_problem = media_type == PROBLEM_TYPE
    content = ContentSpec(shape=Problem if is_problem else Refusal, media_type=media_type, example=body)
    headers = {"Retry-After": RETRY_AFTER} if status in {429, 503} else {}
    meaning = kind.meaning if is_problem else kind.meaning.replace("`detail`", "`error`")
    return _answer(ResponseSpec(meaning=meaning, contents=(content,), headers=headers), schemas)


def _answer(answer: ResponseSpec, schemas: Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {"description": answer.meaning}
    if answer.headers:
        described["headers"] = {name: _header(header, schemas) for name, header in answer.headers.items()}
    if answer.contents:
        described["content"] = _content(answer.contents, schemas)
    return described


def _lead_on(answer: dict[str, Any], path: str) -> None:
    """Lets the example of a page lead to a next one of its own list."""
    for content in answer.get("content", {}).values():
        example = content.get("example")
        if isinstance(example, dict) and isinstance(example.get("next"), str):
            content["example"] = {**example, "next": f"{path}?cursor=rQf3hO4xWyIyMDI2Il0&limit=100"}


def _content(contents: tuple[ContentSpec, ...], schemas: Schemas) -> dict[str, Any]:
    described = {}
    for content in contents:
        media: dict[str, Any] = {"schema": schemas.of(content.shape)}
        example = content.example if content.example is not None else schemas.example(content.shape)
        if content.examples:
            media["examples"] = {name: {"value": example} for name, example in content.examples.items()}
        elif example is not None and "default" not in media["schema"]:
            media["example"] = example
        described[content.media_type] = media
    return described


def _header(header: HeaderSpec, schemas: Schemas) -> dict[str, Any]:
    example = {} if header.example is None else {"example": header.example}
    always = {"required": True} if header.is_always else {}
    return {"description": header.meaning, **always, "schema": schemas.of(header.shape), **example}
