"""docs/api.md agrees with the description that the code makes: the same routes, parameters and fields."""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from retailpulse.api.app import HANDLERS, PROVIDED
from retailpulse.api.openapi.annotations import JPEG, ODS, XLSX
from retailpulse.api.openapi.document import describe

DOCUMENT = (Path(__file__).parents[1] / "docs" / "api.md").read_text()
DESCRIPTION = describe(HANDLERS, PROVIDED)
ROW = re.compile(r"^\| \[`([A-Z]+) (/[^`]*)`\]\(#([a-z0-9-]+)\)", re.MULTILINE)
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, methods in DESCRIPTION["paths"].items()
    for method, operation in methods.items()
]
JSON, PARQUET = "application/json", "application/vnd.apache.parquet"
FILES = {JPEG, PARQUET, XLSX, ODS}
"""Media types whose bodies are no text."""
each_operation = pytest.mark.parametrize(
    ("route", "operation"), OPERATIONS, ids=[route for route, _ in OPERATIONS]
)


@cache
def sections() -> dict[str, str]:
    """The text under each heading of two levels, by its anchor; smaller ones are part of greater ones."""
    found = {}
    headings = list(re.finditer(r"^(#{2,3}) (.+)$", DOCUMENT, re.MULTILINE))
    for place, heading in enumerate(headings):
        after = [other.start() for other in headings[place + 1 :] if len(other[1]) <= len(heading[1])]
        anchor = re.sub(r"[^\w -]", "", heading[2].lower()).replace(" ", "-")
        found[anchor] = DOCUMENT[heading.start() : after[0] if after else len(DOCUMENT)]
    return found


def section_of(route: str) -> str:
    """The section in which a route is explained."""
    anchors = {f"{method} {path}": anchor for method, path, anchor in ROW.findall(DOCUMENT)}
    return sections()[anchors[route]]


def documented_names(section: str, head: str) -> set[str]:
    """The names in the first column of all tables of a section that begin with this head."""
    tables = re.findall(rf"^\| {head} \|[^\n]*\n\|[-|]+\|\n((?:\|[^\n]*\n)*)", section, re.MULTILINE)
    cells = [line.split("|")[1] for table in tables for line in table.splitlines()]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def fields(schema: dict[str, Any]) -> Iterator[str]:
    """The names of all fields of a shape, those of shapes in it too."""
    if "$ref" in schema:
        schema = DESCRIPTION["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for name, field in schema.get("properties", {}).items():
        yield name
        yield from fields(field)
    for part in [schema.get("items"), *schema.get("anyOf", ())]:
        if part:
            yield from fields(part)


def contents_of(operation: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every form of a body that an operation takes or answers, by media type."""
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    return [item for body in bodies for item in body.get("content", {}).items()]


def examples_of(content: dict[str, Any]) -> list[Any]:
    """The examples of a form of a body; lines of JSON have theirs as the default, which tools send raw."""
    several = [example["value"] for example in content.get("examples", {}).values()]
    if "default" in content["schema"]:
        several.append(content["schema"]["default"])
    return [content["example"]] if "example" in content else several


@each_operation
def test_every_parameter_stands_in_the_section_of_its_route(route: str, operation: dict[str, Any]) -> None:
    section = section_of(route)
    asked = {param["name"] for param in operation.get("parameters", ()) if param["in"] != "path"}
    assert {name for name in asked if f"`{name}`" not in section and f"{name}=" not in section} == set()


def test_the_document_names_no_parameter_that_does_not_exist() -> None:
    known: dict[str, set[str]] = defaultdict(set)
    for route, operation in OPERATIONS:
        known[section_of(route)] |= {param["name"] for param in operation.get("parameters", ())}
    for section, names in known.items():
        assert documented_names(section, "parameter") - names == set(), section.partition("\n")[0]


@each_operation
def test_every_field_that_is_sent_or_answered_stands_in_the_document(
    route: str, operation: dict[str, Any]
) -> None:
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    kinds = [
        body["content"]["application/json"]
        for body in bodies
        if "application/json" in body.get("content", {})
    ]
    names = {name for kind in kinds for name in fields(kind["schema"])}
    assert {name for name in names if not re.search(rf'["`.]{name}["`]', DOCUMENT)} == set(), route


@each_operation
def test_every_operation_is_told_whole(route: str, operation: dict[str, Any]) -> None:
    assert operation["summary"] and operation["description"] and operation["tags"], route
    assert re.fullmatch("[a-z][A-Za-z]+", operation["operationId"])
    for param in operation.get("parameters", ()):
        assert param.get("description"), param["name"]


@each_operation
def test_every_body_and_answer_has_an_example(route: str, operation: dict[str, Any]) -> None:
    for kind, content in contents_of(operation):
        examples = examples_of(content)
        assert examples or kind in FILES, f"{route}: no example of {kind}"
        assert "text" not in examples, f"{route}: an example of {kind} that shows nothing"


@each_operation
def test_every_example_is_one(route: str, operation: dict[str, Any]) -> None:
    shown = [
        (content["schema"], value) for _, content in contents_of(operation) for value in examples_of(content)
    ]
    shown += [
        (param["schema"], param["example"]) for param in operation.get("parameters", ()) if "example" in param
    ]
    for schema, value in shown:
        whole = {**schema, "components": DESCRIPTION["components"]}
        wrong = list(OAS31Validator(whole, format_checker=OAS31Validator.FORMAT_CHECKER).iter_errors(value))
        assert wrong == [], f"{route}: {value}"


def test_it_is_openapi() -> None:
    validate(DESCRIPTION)
