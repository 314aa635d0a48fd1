"""The schemas of shapes for the API's description, and an example of each from the examples of its fields."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from retailpulse.schema.record import ALWAYS, LEFT_OUT, WORDS

_PAGE = re.compile(r"\bPage_(\w+)_$|^Page\[(\w+)\]$")
COMPONENT = "#/components/schemas/{name}"
_BY_FORMAT = {
    "date-time": "2026-11-20T10:00:00Z",
    "uuid": "01932c5e-7a00-7000-8000-000000000001",
    "binary": None,
}
_BY_TYPE = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "null": None}


class Schemas:
    """The schemas of all shapes that are described; those that have a name are `components`."""

    def __init__(self, shapes: list[Any]) -> None:
        self._shapes = shapes
        self._schemas, components = msgspec.json.schema_components(shapes, ref_template=COMPONENT)
        _say_types([self._schemas, components])
        for component in components.values():
            _finish(component)
        self._schemas, self.components = _with_public_names((self._schemas, components))

    def of(self, shape: Any) -> dict[str, Any]:
        """The schema of a shape, or a reference to it."""
        if shape is bytes:
            return {"type": "string", "format": "binary"}
        return dict(self._schemas[self._shapes.index(shape)])

    def example(self, shape: Any) -> Any:
        """A value of a shape; None if there is nothing to show."""
        return self._example(self.of(shape))

    def _example(self, schema: dict[str, Any]) -> Any:
        examples = [*schema.get("examples", ()), *schema.get("enum", ())] or [schema.get("const")]
        if examples[0] is not None:
            return examples[0]
        if "$ref" in schema:
            return self._example(self.components[schema["$ref"].rpartition("/")[2]])
        if "anyOf" in schema:
            return self._example(next(kind for kind in schema["anyOf"] if kind.get("type") != "null"))
        makes = {"array": self._list, "object": self._object}
        make: Callable[[dict[str, Any]], Any] = makes.get(schema.get("type", ""), _plain)
        return make(schema)

    def _list(self, schema: dict[str, Any]) -> list[Any]:
        return [self._example(schema["items"])] if schema.get("items") else []

    def _object(self, schema: dict[str, Any]) -> dict[str, Any]:
        fields, required = schema.get("properties", {}), schema.get("required", ())
        return {name: self._example(field) for name, field in fields.items() if name in required}


def _say_types(described: Any) -> None:
    """Says of choices among texts that they are texts: msgspec does not, and readers show "any"."""
    parts = described.values() if isinstance(described, dict) else described
    for part in parts:
        if isinstance(part, dict | list | tuple):
            _say_types(part)
    if isinstance(described, dict) and all(isinstance(word, str) for word in described.get("enum", [None])):
        described["type"] = "string"


def _finish(component: dict[str, Any]) -> None:
    """Turns the notes on the fields of a record into terms of the description, and drops defaults of null.

    Generators of clients take a field with a default for one that is always there.
    """
    for name, field in component.get("properties", {}).items():
        is_left_out, is_always = field.pop(LEFT_OUT, False), field.pop(ALWAYS, False)
        if is_always and name not in component["required"]:
            component["required"].append(name)
        if is_left_out:
            (kind,) = [kind for kind in field.pop("anyOf") if kind.get("type") != "null"]
            field.update(kind)
        if is_always or is_left_out or field.get("default", ...) is None:
            field.pop("default", None)
        if words := field.pop(WORDS, None):
            for kind in [field, *field.get("anyOf", ()), field.get("items", {})]:
                if kind.get("type") == "string":
                    del kind["type"]
                    kind["$ref"] = COMPONENT.format(name=words)


def _with_public_names(described: Any) -> Any:
    """The same with pages named in plain words: VisitPage for Page_Visit_."""
    if isinstance(described, dict):
        return {_public(name): _with_public_names(part) for name, part in described.items()}
    if isinstance(described, list | tuple):
        return type(described)(map(_with_public_names, described))
    return _public(described) if isinstance(described, str) else described


def _public(text: str) -> str:
    return _PAGE.sub(r"\1\2Page", text)


def _plain(schema: dict[str, Any]) -> Any:
    if schema.get("format") in _BY_FORMAT:
        return _BY_FORMAT[schema["format"]]
    return max(schema["minimum"], 0) if "minimum" in schema else _BY_TYPE.get(schema.get("type", ""))


def in_use(described: Any, components: dict[str, Any]) -> dict[str, Any]:
    """Those of the components that something described refers to, by itself or by way of others."""
    found: dict[str, Any] = {}
    waiting = [described]
    while waiting:
        names = {ref.rpartition("/")[2] for ref in _references(waiting.pop())} - found.keys()
        found |= {name: components[name] for name in names}
        waiting += [components[name] for name in names]
    return dict(sorted(found.items()))


def _references(described: Any) -> Iterator[str]:
    if isinstance(described, dict):
        if isinstance(described.get("$ref"), str):
            yield described["$ref"]
        for part in described.values():
            yield from _references(part)
    elif isinstance(described, list):
        for part in described:
            yield from _references(part)
