"""Parquet gives the same text as CSV would: dates, zones, lists of URLs, whole numbers."""

import datetime
import gzip
import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retailpulse.tables import Row
from tests.tables.reading import dialect, everything, refusal, rows
from tests.tables.workbooks import xlsx

MOMENT = datetime.datetime(2026, 11, 20, 10, 0, tzinfo=datetime.UTC)


def parquet(**columns: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, row_group_size=2)
    return file.getvalue()


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (pa.array(["x", None]), ["x", ""]),
        (pa.array(["x", "x"]).dictionary_encode(), ["x", "x"]),
        (pa.array([17, -1]), ["17", "-1"]),
        (pa.array([17.0, 2.5]), ["17", "2.5"]),
        (pa.array([True, False]), ["TRUE", "FALSE"]),
        (pa.array([datetime.date(2026, 11, 20)] * 2), ["2026-11-20"] * 2),
        (pa.array([MOMENT, None], pa.timestamp("us", "UTC")), ["2026-11-20T10:00:00Z", ""]),
        (pa.array([MOMENT] * 2, pa.timestamp("ms", "Europe/Berlin")), ["2026-11-20T11:00:00+01:00"] * 2),
        (pa.array([MOMENT.replace(tzinfo=None)] * 2, pa.timestamp("ns")), ["2026-11-20T10:00:00"] * 2),
        (pa.array([["http://a", "http://b"], []]), ["http://a\nhttp://b", ""]),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_values_arrive_as_text(values: Any, texts: list[str]) -> None:
    content = parquet(store_id=["A", "B"], image_url=values, visit_time=["c", "c"])
    assert rows(content) == [(2, ("A", texts[0], "c")), (3, ("B", texts[1], "c"))]


def test_columns_have_the_names_that_they_have_anywhere() -> None:
    content = parquet(note=["n"], StoreID=["A"], photos=["b"], date=["c"])
    assert everything(content) == [Row(2, ("A", "b", "c"), ("n",))]
    assert dialect(content) == "Parquet"


def test_a_damaged_file_is_refused() -> None:
    content = parquet(store_id=["A"] * 9, image_url=["b"] * 9, visit_time=["c"] * 9)
    assert "damaged" in refusal(content[:-9])
    assert "damaged" in refusal(content[:8] + bytes(60) + content[68:])


@pytest.mark.parametrize(
    "inner", [b"store;photo;date\nA;b;c\n", xlsx({"S": [["store", "photo", "date"], ["A", "b", "c"]]})]
)
def test_gzip_around_any_of_them_is_undone(inner: bytes) -> None:
    assert rows(gzip.compress(inner)) == [(2, ("A", "b", "c"))]


def test_gzip_that_cannot_be_undone_is_refused() -> None:
    packed = gzip.compress(b"store;photo;date\nA;b;c\n")
    assert "cut off" in refusal(packed[:-3])
    assert "damaged" in refusal(packed[:10] + b"\xff\xff" + packed[12:])
    assert "gzip within gzip" in refusal(gzip.compress(packed))
    assert rows(packed + gzip.compress(b"D;e;f\n") + bytes(9)) == [(2, ("A", "b", "c")), (3, ("D", "e", "f"))]
