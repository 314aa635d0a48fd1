"""Asks the application itself for a page, as nobody in particular who has certain scopes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import quote

from litestar.types import ASGIApp, HTTPScope, Message, ReceiveMessage
from litestar.types import Scope as AsgiScope

from retailpulse.domain.api_keys import ApiKey, KeyState, Scope
from retailpulse.web.caller import allow_all, api_key_of, name_caller


@dataclass(frozen=True, kw_only=True, slots=True)
class PageAddress:
    """A page as those with the same scopes see it; `scopes` is None where no key is wanted."""

    path: str
    query: bytes
    scopes: frozenset[Scope] | None


@dataclass(kw_only=True, slots=True)
class PageAnswer:
    """What the application answers."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""


def address_of_page(scope: HTTPScope) -> PageAddress:
    """The page that a request is for."""
    key = api_key_of(scope)
    return PageAddress(
        path=scope["path"], query=scope["query_string"], scopes=None if key is None else key.scopes
    )


async def read_page(app: ASGIApp, address: PageAddress) -> PageAnswer:
    """The page; nothing of a person is in the request: neither name, host, address nor cookie."""
    answer = PageAnswer()

    async def receive() -> ReceiveMessage:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], list(message["headers"])
        elif message["type"] == "http.response.body":
            answer.body += message["body"]

    scope = cast("AsgiScope", _request(address))
    if address.scopes is None:
        allow_all(scope)
    else:
        name_caller(scope, _nobody(address.scopes))
    await app(scope, receive, send)
    return answer


def _request(address: PageAddress) -> Mapping[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": address.path,
        "raw_path": quote(address.path).encode(),
        "query_string": address.query,
        "root_path": "",
        "headers": [(b"accept", b"text/html")],
        "client": None,
        "server": None,
        "extensions": {},
    }


def _nobody(scopes: frozenset[Scope]) -> ApiKey:
    return ApiKey(
        key_id="",
        name="",
        scopes=scopes,
        state=KeyState.VALID,
        created_at=datetime.now(UTC),
        expires_at=None,
        revoked_at=None,
        last_used_at=None,
        secret_sha256=b"",
    )
