"""The API's description (OpenAPI 3.1), at /openapi.json: the framework's, completed by what handlers tell.

Parameters, ids and texts are the framework's; shapes of bodies and answers are msgspec's, the library that
writes and reads them.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, License, SecurityScheme
from litestar.openapi.spec import Tag as TagSpec
from litestar.routes import HTTPRoute
from litestar.status_codes import HTTP_304_NOT_MODIFIED
from litestar.types import ControllerRouterHandler

from retailpulse.api.openapi import webhooks
from retailpulse.api.openapi.annotations import JSON, OperationSpec, Tag, documented
from retailpulse.api.openapi.operations import complete, link_jobs, shapes_of
from retailpulse.api.openapi.schemas import Schemas, in_use

KEY_SCHEME = "key"

TAGS = {
    Tag.LEGACY: "The three endpoints that existed first, kept exactly as they were.",
    Tag.JOBS: "Submit jobs, see their state, cancel them, retry what failed.",
    Tag.RESULTS: "One row per image.",
    Tag.STORES: "The store master.",
    Tag.VISITS: "Visits with their perimeters.",
    Tag.PHOTOS: "Flagged photos of all jobs.",
    Tag.REPORTS: "Sums over visits: by day and area, by store, by area.",
    Tag.DELIVERIES: "Signed callbacks and the log of their tries.",
    Tag.SERVICE: "How the service itself does.",
}

DESCRIPTION = """\
Post a job, visits to stores with the URLs of their photos; get one result per image, whatever crashes.

Errors under `/api/v1` are problem details (RFC 9457); their `type` leads to a page that explains it.
The three old endpoints answer `{"error": "..."}`. Lists come in pages: follow `next` until it is null.
Times are RFC 3339 in UTC. Every answer has an `X-Request-Id`, that of the request if it had one.
"""


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
        use_handler_docstrings=True,
    )


def describe(
    handlers: Sequence[ControllerRouterHandler], dependencies: Collection[str], *, needs_key: bool = True
) -> dict[str, Any]:
    """The whole description of what handlers do; `dependencies` are arguments that are no parameters.

    `needs_key`: whether the service asks for API keys; one that does not takes them all the same.

    It is taken from an application that serves nothing, so that the one which serves has no routes of the
    framework's own.
    """
    provided = {name: Provide(lambda: None, sync_to_thread=False) for name in dependencies}
    app = Litestar(handlers, dependencies=provided, openapi_config=_config(), logging_config=None)
    description: dict[str, Any] = app.openapi_schema.to_schema()
    description["security"] = [{KEY_SCHEME: []}, *([] if needs_key else [{}])]
    operations = list(_operations(app, description))
    schemas = Schemas([*shapes_of(each for *_, each in operations), *webhooks.SHAPES])
    for method, path, operation, each in operations:
        complete(method, path, operation, each, schemas)
    link_jobs(description["paths"])
    description["webhooks"] = webhooks.describe_webhooks(schemas)
    components, described = description["components"], [description["paths"], description["webhooks"]]
    components["schemas"] = in_use(described, {**components["schemas"], **schemas.components})
    return description


def _operations(
    app: Litestar, description: dict[str, Any]
) -> Iterator[tuple[str, str, dict[str, Any], OperationSpec]]:
    """Every operation whose handler tells something, with its method and path."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            methods = description["paths"].get(route.path_format, {})
            for handler in route.route_handlers:
                for method in handler.http_methods:
                    operation, each = methods.get(method.lower()), handler.opt.get("operation_spec")
                    if operation is not None and each is not None:
                        yield method, route.path_format, operation, each


class Description:
    """The description of an application as it is served: with keys and without, each written once."""

    def __init__(
        self,
        handlers: Sequence[ControllerRouterHandler],
        dependencies: Collection[str],
        needs_key: Callable[[], bool],
    ) -> None:
        self._needs_key = needs_key
        self._write = cache(lambda needs: _written(describe(handlers, dependencies, needs_key=needs)))

    def answer(self, request: Request[Any, Any, Any]) -> Response[bytes | None]:
        """The description, or 304 for a client that has it already."""
        body, tag = self._write(self._needs_key())
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match", "").removeprefix("W/") == tag:
            return Response(None, status_code=HTTP_304_NOT_MODIFIED, headers=headers)
        return Response(body, media_type=JSON, headers=headers)


def _written(description: dict[str, Any]) -> tuple[bytes, str]:
    body = msgspec.json.encode(description)
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'


@get(
    "/openapi.json",
    operation_id="getDescription",
    summary="This description",
    tags=[Tag.SERVICE],
    opt=documented(dict[str, Any], meaning="The description of the API."),
    sync_to_thread=True,
)
def openapi_json(request: Request[Any, Any, Any], description: Description) -> Response[bytes | None]:
    """The API's description: OpenAPI 3.1 in JSON."""
    return description.answer(request)
