"""What a refusal looks like: problem details (RFC 9457).

The three old endpoints keep the shape that their clients know, `{"error": "..."}`. Which error becomes
which status is decided in `error_responses`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

import msgspec
from litestar import MediaType, Response
from litestar.types import Scope
from msgspec import UNSET, Meta, UnsetType

from retailpulse.web.problem_kinds import UNAVAILABLE, kind_of
from retailpulse.web.request_ids import request_id_of

PROBLEM_TYPE = "application/problem+json"
LEGACY_PATHS = frozenset({"/api/submit", "/api/status", "/api/visits"})
RETRY_AFTER_SECONDS = 5
Asked = Scope | Mapping[str, Any]
"""The scope of a request, as ASGI has it."""
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was refused (RFC 9457). Some problems have members of their own beside these."""

    type: Annotated[
        str,
        Meta(
            description="Which problem it is, as the path of the page about it; it never changes.",
            examples=["/problems/not-found"],
        ),
    ]
    title: Annotated[
        str, Meta(description="The problem in a few words, always the same.", examples=["Not found"])
    ]
    status: Annotated[int, Meta(description="The status of the answer.", examples=[404])]
    detail: Annotated[
        str,
        Meta(
            description="What is wrong with this very request, for people to read.",
            examples=["there is no job 01932c5e-7a00-7000-8000-000000000000"],
        ),
    ]
    instance: Annotated[
        str,
        Meta(
            description="The path that was asked for.",
            examples=["/api/v1/jobs/01932c5e-7a00-7000-8000-000000000000"],
        ),
    ]
    request_id: Annotated[
        str | UnsetType,
        Meta(
            description="The `X-Request-Id` of the answer: the service's log names it.",
            examples=["5f0c7a31b2d94e6f8a1b2c3d"],
        ),
    ] = UNSET


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request to one of the three old endpoints was refused."""

    error: Annotated[str, Meta(description="Which part of the request is meant, and why.")]


def refusal(
    scope: Asked, status: int, detail: str, members: Mapping[str, Any] = NOTHING
) -> tuple[dict[str, Any], str]:
    """The body of an answer that says what is wrong, and its media type; both depend on the path."""
    if scope["path"].rstrip("/") in LEGACY_PATHS:
        return {"error": detail}, MediaType.JSON.value
    kind = kind_of(status)
    fields = {
        "type": f"/problems/{kind.name}",
        "title": kind.title,
        "status": status,
        "detail": detail,
        "instance": scope["raw_path"].decode("latin-1"),
    }
    request_id = request_id_of(scope)
    named = {} if request_id is None else {"request_id": request_id}
    return {**fields, **named, **members}, PROBLEM_TYPE


def refuse(
    scope: Asked,
    status: int,
    detail: str,
    *,
    headers: Mapping[str, str] = NOTHING,
    members: Mapping[str, Any] = NOTHING,
) -> Response[dict[str, Any]]:
    """An answer that says what is wrong; `members` are those of the problem's own."""
    body, media_type = refusal(scope, status, detail, members)
    if status == UNAVAILABLE.status:
        headers = {**headers, "Retry-After": str(RETRY_AFTER_SECONDS)}
    return Response(body, status_code=status, media_type=media_type, headers=dict(headers))
