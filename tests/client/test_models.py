"""The client reads what the API answers: fields, types and words are compared, not only names.

The API's description is made from what handlers answer; the client's side is what its functions decode.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import pytest

from retailpulse import client, schema
from retailpulse.api.app import HANDLERS, PROVIDED
from retailpulse.api.openapi.document import describe
from retailpulse.api.openapi.schemas import COMPONENT

COMPONENTS: dict[str, Any] = describe(HANDLERS, PROVIDED)["components"]["schemas"]
RECORDS = sorted((getattr(schema, name) for name in schema.__all__ if name in COMPONENTS), key=str)
WORDS = {words.__name__: set(words) for words in schema.WORDS}
"""The words of the domain; a client takes others too."""
CLOSED = {"Outcome", "JobStatus"}
"""Sets of words that a client takes to be whole: no service adds to them."""
each_record = pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)


def read_by_client(annotation: Any) -> set[str]:
    """What a client takes for a field, as JSON types; a record, and a set of words, by its name."""
    if hasattr(annotation, "__metadata__"):
        return read_by_client(annotation.__origin__)
    if get_origin(annotation) is None:
        return {annotation.__name__}
    kinds = get_args(annotation)
    if get_origin(annotation) in {list, dict}:
        return {f"{get_origin(annotation).__name__} of {one}" for one in read_by_client(kinds[-1])}
    return {kind for part in kinds for kind in read_by_client(part)}


def described_by_api(field: dict[str, Any]) -> Iterator[str]:
    """What the description says of a field, in the same words."""
    if "anyOf" in field:
        for kind in field["anyOf"]:
            yield from described_by_api(kind)
    elif "$ref" in field:
        yield field["$ref"].rpartition("/")[2]
    elif field["type"] == "array":
        yield from (f"list of {kind}" for kind in described_by_api(field["items"]))
    elif field["type"] == "object":
        yield from (f"dict of {kind}" for kind in described_by_api(field["additionalProperties"]))
    elif field.get("format") == "date-time":
        yield "datetime"
    elif field.get("format") == "date":
        yield "date"
    else:
        names = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "NoneType"}
        yield names[field["type"]]


def _as_text(word: str) -> str:
    """A set of words as a client reads it that takes a newer service's words: as texts."""
    of_what, blank, name = word.rpartition(" ")
    return f"{of_what}{blank}str" if name in WORDS else word


def test_the_records_are_found() -> None:
    assert len(RECORDS) >= 21
    assert {name for name in schema.__all__ if name in client.__all__} <= COMPONENTS.keys()


@each_record
def test_the_client_reads_each_field_as_the_api_tells_it(record: type[msgspec.Struct]) -> None:
    component = COMPONENTS[record.__name__]
    assert list(component["properties"]) == [field.encode_name for field in msgspec.structs.fields(record)]
    for name, annotation in get_type_hints(record, include_extras=True).items():
        answered = set(described_by_api(component["properties"][name]))
        known = {word if word in read_by_client(annotation) else _as_text(word) for word in answered}
        if name not in component["required"]:  # an answer without the field reads as None
            known.add("NoneType")
        assert read_by_client(annotation) == known, name


@each_record
def test_only_how_an_image_and_a_job_end_are_closed_sets_of_words(record: type[msgspec.Struct]) -> None:
    hints = get_type_hints(record, include_extras=True).values()
    assert WORDS.keys() & {kind for hint in hints for kind in read_by_client(hint)} <= CLOSED


@each_record
def test_the_client_takes_its_records_from_the_schema(record: type[msgspec.Struct]) -> None:
    assert getattr(client, record.__name__) is record


@each_record
def test_the_client_takes_words_and_fields_that_a_newer_service_adds(record: type[msgspec.Struct]) -> None:
    answer = example(COMPONENTS[record.__name__]) | {"added_later": [1]}
    for name, field in COMPONENTS[record.__name__]["properties"].items():
        hint = get_type_hints(record, include_extras=True)[name]
        if set(described_by_api(field)) & (WORDS.keys() - read_by_client(hint)):
            answer[name] = "a word of tomorrow"
    read = msgspec.convert(answer, record, strict=False)
    assert {name: answer[name] for name in answer if answer[name] == "a word of tomorrow"}.items() <= (
        msgspec.to_builtins(read).items()
    )


@each_record
def test_an_answer_holds_every_field_that_is_not_left_out(record: type[msgspec.Struct]) -> None:
    component = COMPONENTS[record.__name__]
    left_out = {schema.Result: {"earlier"}, schema.Checks: set(schema.Checks.__struct_fields__)}
    found = component["properties"].keys() - set(component.get("required", ()))
    assert found == left_out.get(record, set())


def test_names_of_shapes_are_public_words() -> None:
    assert [name for name in COMPONENTS if not re.fullmatch("([A-Z][a-z]+)+", name)] == []
    references = partial(re.findall, re.escape(COMPONENT.format(name="")) + r"([^\"]+)")
    assert set(references(msgspec.json.encode(COMPONENTS).decode())) <= COMPONENTS.keys()


def test_what_may_be_left_out_has_no_default_that_makes_it_look_required() -> None:
    looks_required = [
        f"{name}.{field}"
        for name, component in COMPONENTS.items()
        for field, shape in component.get("properties", {}).items()
        if "default" in shape and field not in component.get("required", ())
    ]
    assert looks_required == []


def example(component: dict[str, Any]) -> dict[str, Any]:
    """An answer of a shape, with a value in each field."""
    return {name: value(field) for name, field in component["properties"].items()}


def value(field: dict[str, Any]) -> Any:
    """A value of a field; null where it may be."""
    if "anyOf" in field:
        return None
    if "$ref" in field:
        component = COMPONENTS[field["$ref"].rpartition("/")[2]]
        return component["enum"][0] if "enum" in component else example(component)
    if field.get("format") == "date-time":
        return "2026-11-20T10:00:00Z"
    return {"string": "x", "integer": 1, "number": 1.5, "boolean": True, "array": [], "object": {}}[
        field["type"]
    ]
