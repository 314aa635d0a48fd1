"""Refuses query parameters that no handler declares: a filter that is misspelt would silently filter nothing.

What a handler declares is its signature and the parameters of its description. The three old endpoints pass
over what they do not know, as ever, and a submit checks its own.
"""

import re
from functools import cache
from typing import Any

from litestar.connection import ASGIConnection
from litestar.constants import RESERVED_KWARGS
from litestar.handlers import BaseRouteHandler
from litestar.params import ParameterKwarg

from retailpulse.api.suggestions import MOST_CHARACTERS, unknown_name
from retailpulse.web.errors import UnknownParameters
from retailpulse.web.middleware.body_timeout import drain

CHECKED = "/api/v1/"
SUBMIT = "submitJob"
MOST_NAMED = 10
DRAIN_SECONDS = 5.0
"""How long the body of a request that is refused may go on coming."""
_IN_PATH = re.compile(r"\{(\w+)")


async def refuse_unknown_parameters(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """A guard; raises UnknownParameters, each with the one that was meant or all that there are."""
    if not connection.scope["query_string"]:
        return
    known = query_names(handler)
    unknown = [] if known is None else [name for name in connection.query_params if name not in known]
    if known is None or not unknown:
        return
    if connection.scope.get("method") != "GET":  # most clients send all before they read an answer
        await drain(connection.receive, DRAIN_SECONDS)
    raise UnknownParameters(
        {name[:MOST_CHARACTERS]: unknown_name(name, known, "parameter") for name in unknown[:MOST_NAMED]}
    )


@cache
def query_names(handler: BaseRouteHandler) -> tuple[str, ...] | None:
    """The query parameters that a handler declares, in its order; None if it passes over others."""
    operation = getattr(handler, "operation_id", None)
    if operation == SUBMIT or not all(path.startswith(CHECKED) for path in handler.paths):
        return None
    no_query = RESERVED_KWARGS | handler.resolve_dependencies().keys()
    no_query |= {name for path in handler.paths for name in _IN_PATH.findall(path)}
    names = []
    for name, field in handler.parsed_fn_signature.parameters.items():
        given = field.kwarg_definition if isinstance(field.kwarg_definition, ParameterKwarg) else None
        if name not in no_query and not (given and (given.header or given.cookie)):
            names.append((given and given.query) or name)
    spec = handler.opt.get("operation_spec")
    return (*names, *(param.name for param in (spec.params if spec else ()) if param.place == "query"))
