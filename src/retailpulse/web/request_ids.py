"""The id of a request: the client's own, or a new one. Log lines, the answer and problems name it."""

import re
import secrets
from collections.abc import Mapping
from typing import Any

from litestar.types import Scope

from retailpulse.web.scope_notes import note

HEADER = b"x-request-id"
_REQUEST_ID = "retailpulse.request_id"
_USABLE = re.compile(rb"[\x21-\x7e]{1,128}")


def name_request(scope: Scope) -> str:
    """Notes in a request's scope its id, which it gives back: that of its header if that can be used."""
    given = next((value for name, value in scope["headers"] if name == HEADER), b"")
    request_id = given.decode("ascii") if _USABLE.fullmatch(given) else secrets.token_hex(12)
    note(scope, _REQUEST_ID, request_id)
    return request_id


def request_id_of(scope: Mapping[str, Any] | Scope) -> str | None:
    """The id of a request; None where there is none, as in the description of the API."""
    found = scope.get(_REQUEST_ID)
    return None if found is None else str(found)
