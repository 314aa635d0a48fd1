"""Parameters that several handlers share, as one argument: the filters of reports, the page of a list.

The framework sees a handler with the parameters themselves, so that its checks and the description of the API
know no difference.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import cache, wraps
from inspect import Parameter, isclass, signature
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class ParameterObject:
    """A base of classes whose arguments are parameters of a handler; one may hold others."""

    __slots__ = ()


def with_parameter_objects(handler: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    """A handler that takes the parameters of its parameter objects in their place, all by keyword."""

    @wraps(handler)
    async def called(**given: Any) -> Answer:
        return await handler(**_arguments(handler, given))

    parameters = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in _flat(handler)]
    declared = signature(handler).replace(parameters=parameters)
    called.__signature__ = declared  # type: ignore[attr-defined]
    hints = {each.name: each.annotation for each in parameters}
    called.__annotations__ = {**hints, "return": declared.return_annotation}
    return called


@cache
def _declared(made: Callable[..., Any]) -> Mapping[str, Parameter]:
    return signature(made).parameters


def _is_object(parameter: Parameter) -> bool:
    return isclass(parameter.annotation) and issubclass(parameter.annotation, ParameterObject)


def _flat(made: Callable[..., Any]) -> Iterator[Parameter]:
    for parameter in _declared(made).values():
        if _is_object(parameter):
            yield from _flat(parameter.annotation)
        else:
            yield parameter


def _arguments(made: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: each.annotation(**_arguments(each.annotation, given)) if _is_object(each) else given[name]
        for name, each in _declared(made).items()
    }
