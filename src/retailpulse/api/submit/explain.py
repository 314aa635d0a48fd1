"""Says in a client's words what the JSON library found wrong with a body."""

import re
from collections.abc import Iterable

import msgspec

from retailpulse.domain.images import Depth

_VISIT = re.compile(r"\$\.visits\[(\d+)\](.*)")
_TYPES = {
    "str": "a string",
    "int": "a whole number",
    "float": "a decimal number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def explain(message: str, choices: Iterable[str] = Depth) -> str:
    """The text of an error: "Expected `str`, got `int` - at `$.count`" is about the field `count`."""
    reason, _, place = message.partition(" - at ")
    reason = _in_words(reason)
    if reason.startswith("Invalid enum value"):
        reason = f"{reason}: write {', '.join(choices)}"  # a body has one field at most that has a choice
    place = place.strip("`")
    in_visit = _VISIT.fullmatch(place)
    if in_visit:
        number = int(in_visit[1])
        return f"visits[{number}]{in_visit[2]} (visit {number + 1}): {reason}"
    where = place.removeprefix("$.").removeprefix("$")
    return f"{where}: {reason}" if where else f"the body: {reason}"


def explain_type(error: msgspec.ValidationError) -> str:
    """The reason alone, for a text that says itself which field is meant."""
    reason, _, place = str(error).partition(" - at ")
    inside = place.strip("`").removeprefix("$")
    return f"{_in_words(reason)} at {inside}" if inside else _in_words(reason)


def _in_words(reason: str) -> str:
    reason = re.sub(r"`([a-z]+)( \| null)?`", lambda found: _TYPES.get(found[1], found[0]), reason)
    reason = reason.replace("`str | array`", "a string or a list")
    return reason.replace("`int | float | null`", "a whole number")
