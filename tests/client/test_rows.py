"""Rows as people have them become visits: lists, objects, data frames; what cannot is told by its number."""

import json
import tracemalloc
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pyarrow
import pytest

from retailpulse.client import BadInput
from retailpulse.client.bodies import body_of_blocks
from retailpulse.client.rows import lines

URL = "https://photos.example/{}.jpg"
Row = namedtuple("Row", ["store_id", "image_url", "visit_time", "other"])


@dataclass
class Seen:
    store_id: str
    image_url: Any
    visit_time: Any


def decoded(source: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(source)]


def row(number: int, **changes: Any) -> dict[str, Any]:
    return {"store_id": "S1", "image_url": URL.format(number), "visit_time": "now", **changes}


def visit(*numbers: int, **changes: Any) -> dict[str, Any]:
    return row(0) | {"image_url": [URL.format(number) for number in numbers], **changes}


def test_a_row_with_a_list_is_a_visit_also_beside_its_like() -> None:
    assert decoded([visit(1, 2), visit(3)]) == [visit(1, 2), visit(3)]


def test_consecutive_rows_of_one_store_and_time_are_one_visit() -> None:
    rows = [row(1), row(2), row(3, store_id="S2"), row(4), row(5, visit_time="later"), visit(6), row(7)]
    assert decoded(rows) == [
        visit(1, 2), visit(3, store_id="S2"), visit(4), visit(5, visit_time="later"), visit(6), visit(7)
    ]  # fmt: skip


@pytest.mark.parametrize("make", [Row, lambda *values: Seen(*values[:3])], ids=["namedtuple", "object"])
def test_rows_may_be_objects(make: Any) -> None:
    assert decoded(make("S1", URL.format(number), "now", "more") for number in (1, 2)) == [visit(1, 2)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2026, 11, 20, 10, tzinfo=UTC), "2026-11-20T10:00:00+00:00"),
        (date(2026, 11, 20), "2026-11-20"),
        (1763632800, "1763632800"),
    ],
)
def test_times_are_written_as_the_service_reads_them(value: Any, text: str) -> None:
    assert decoded([row(1, visit_time=value)]) == [visit(1, visit_time=text)]


class Frame:
    """What a data frame of pandas does, as far as it matters here."""

    def __init__(self, columns: dict[str, list[Any]]) -> None:
        self.columns = columns

    def __getitem__(self, names: list[str]) -> "Frame":
        return Frame({name: self.columns[name] for name in names})

    def itertuples(self, *, index: bool) -> Iterator[Any]:
        assert not index
        kind = namedtuple("Pandas", list(self.columns))  # type: ignore[misc]
        return map(kind._make, zip(*self.columns.values(), strict=True))


COLUMNS: dict[str, list[Any]] = {
    "index": [0, 1, 2],
    "visit_time": ["now", "now", "then"],
    "image_url": [URL.format(number) for number in (1, 2, 3)],
    "store_id": ["S1", "S1", "S1"],
}


@pytest.mark.parametrize("frame", [Frame(COLUMNS), pyarrow.table(COLUMNS)], ids=["pandas-like", "arrow"])
def test_a_data_frame_is_read_by_the_names_of_its_columns(frame: Any) -> None:
    assert decoded(frame) == [visit(1, 2), visit(3, visit_time="then")]


def test_a_data_frame_without_a_column_is_told() -> None:
    with pytest.raises(BadInput, match="visit_time"):
        decoded(Frame({"store_id": [], "image_url": []}))


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([row(1), {"store_id": "S1", "image_url": "x"}], "row 2 has no visit_time"),
        ([row(1, store_id=None)], "row 1 has no store_id"),
        ([row(1, visit_time=float("nan"))], "row 1 has no visit_time"),
        ([row(1), row(1), visit(1) | {"image_url": [None]}], "row 3 has no image_url"),
        ({"visits": []}, "dict is no list of visits"),
        (5, "int is no list of visits"),
        (b"x", "bytes is no list of visits"),
    ],
)
def test_what_is_no_row_is_told_by_its_number(rows: Any, what: str) -> None:
    with pytest.raises(BadInput, match=what):
        decoded(rows)


def test_rows_without_end_in_sight_take_no_memory() -> None:
    count = 100_000
    tracemalloc.start()
    try:
        with body_of_blocks(lines(row(number, visit_time=str(number)) for number in range(count))) as body:
            assert body.size_bytes > 8_000_000
            assert sum(block.count(b"\n") for block in body.blocks()) == count
        assert tracemalloc.get_traced_memory()[1] < 6_000_000
    finally:
        tracemalloc.stop()
