"""Handlers with parameter objects look to the framework like handlers with the parameters themselves."""

from dataclasses import dataclass
from inspect import signature

from retailpulse.api.v1.parameter_objects import ParameterObject, with_parameter_objects


@dataclass(frozen=True, kw_only=True, slots=True)
class Inner(ParameterObject):
    first: str
    limit: int = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class Outer(ParameterObject):
    name: str = "all"
    inner: Inner


@with_parameter_objects
async def handler(*, before: int, outer: Outer, after: bool = False) -> tuple[int, Outer, bool]:
    """What it does."""
    return before, outer, after


def test_the_parameters_stand_in_the_place_of_their_object_with_their_types_and_defaults() -> None:
    declared = signature(handler)
    assert str(declared) == (
        "(*, before: int, name: str = 'all', first: str, limit: int = 7, after: bool = False)"
        f" -> tuple[int, {Outer.__module__}.Outer, bool]"
    )
    parameters = {name: each.annotation for name, each in declared.parameters.items()}
    assert handler.__annotations__ == {**parameters, "return": tuple[int, Outer, bool]}
    assert handler.__doc__ == "What it does."


async def test_the_handler_gets_the_objects_made_of_the_parameters() -> None:
    found = await handler(before=1, name="x", first="y", limit=2, after=True)
    assert found == (1, Outer(name="x", inner=Inner(first="y", limit=2)), True)
