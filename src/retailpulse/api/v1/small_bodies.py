"""Reads small JSON bodies into their shapes, and says in a client's words what is wrong with one."""

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from retailpulse.api.submit.explain import explain
from retailpulse.api.suggestions import unknown_name
from retailpulse.domain.errors import InvalidRequest

SMALL_BODY_BYTES = 64 * 1024
"""Most bytes of a body that is about one thing."""
_UNKNOWN_FIELD = re.compile("Object contains unknown field `([^`]*)`")
_FIELD = re.compile("[a-z_]+")

Shape = TypeVar("Shape", bound=msgspec.Struct)


def read_json(body: bytes, shape: type[Shape], choices: Mapping[str, Iterable[str]]) -> Shape:
    """The body as a shape; `choices` are the words that its fields take, by name. Raises InvalidRequest."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        if name := _UNKNOWN_FIELD.fullmatch(str(error)):
            known = shape.__struct_fields__
            raise InvalidRequest(f"{name[1]}: {unknown_name(name[1], known, 'field')}") from error
        fields = [name for name in _FIELD.findall(str(error).rpartition("$")[2]) if name in choices]
        words = choices[fields[-1]] if fields else ()
        raise InvalidRequest(explain(str(error), choices=words)) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"the body is not JSON in UTF-8: {error}") from error
