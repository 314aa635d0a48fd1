"""The beginning of a table for people: what each column is taken for, and how another choice is said."""

import io

import pytest

from retailpulse.tables import (
    STORE_COLUMNS,
    VISIT_COLUMNS,
    HeaderNotFound,
    LookedAtColumn,
    Row,
    columns_without_header,
    named,
    open_table,
    parse_column_names,
    peek,
)
from tests.tables.workbooks import xlsx

VISITS = "Outlet;Photo 1;Photo 2;Date;Rep\nDE-1;https://a.example/1;https://a.example/2;1/2/2026;Zoë\n"
ROWS = [["Stores of the north"], [], ["Filiale", "Gebiet", "Nummer"], ["Käse & Co.", "Nord", "7"]]


def looked_at(content: bytes) -> tuple[list[LookedAtColumn], int]:
    with open_table(io.BytesIO(content), VISIT_COLUMNS) as opened:
        columns, table = peek(opened)
        return columns, len([row for row in table if isinstance(row, Row)])


def test_each_column_is_told_with_what_it_is_taken_for() -> None:
    columns, rows = looked_at(VISITS.encode("cp1252"))
    assert [(column.text, column.wanted) for column in columns] == [
        ("Outlet", "store_id"),
        ("Photo 1", "image_url"),
        ("Photo 2", "image_url"),
        ("Date", "visit_time"),
        ("Rep", None),
    ]
    assert columns[0].samples == ("DE-1",)
    assert columns[4].samples == ("Zoë",)
    assert columns[1].samples == ("https://a.example/1\nhttps://a.example/2",)
    assert rows == 1


def test_a_look_takes_no_row_away() -> None:
    text = "store_id,image_url,visit_time\n" + "S,https://a.example/1,2026-11-20\n" * 500
    columns, rows = looked_at(text.encode())
    assert rows == 500
    assert columns[0].samples == ("S", "S", "S")


@pytest.mark.parametrize(
    "content",
    [
        xlsx({"Stores": ROWS}),
        xlsx({"Cover": ROWS[:1], "Stores": ROWS}),
        b"Filiale;Gebiet;Nummer\nK;Nord;7\n",
        b"sep=;\r\nFiliale;Gebiet;Nummer\r\nK;Nord;7\r\n",
        b"Stores, of the north;;\n;;;\nFiliale;Gebiet;Nummer\nK, L;Nord;7\nM;;\nN;S;8\n",
    ],
)
def test_a_header_that_is_not_known_is_told_with_its_columns(content: bytes) -> None:
    with pytest.raises(HeaderNotFound) as refused, open_table(io.BytesIO(content), STORE_COLUMNS):
        pass
    columns = columns_without_header(refused.value)
    texts = [column.text for column in columns]
    assert texts == ["Filiale", "Gebiet", "Nummer"]


@pytest.mark.parametrize(
    "cells",
    [
        ["Outlet", "Photo", "When"],
        ["C", "Photo", "B"],
        ["Photo", "photo", "PHOTO"],
        ["1", "2", "C"],
        ["a,store_id:b", "x", "visit_time:B"],
        ['<b>"', "x:y", "z, image_url:A"],
    ],
)
def test_a_choice_names_its_column_and_no_other(cells: list[str]) -> None:
    row = ["S-1", "https://a.example/1.jpg", "2026-11-20"]
    content = "\n".join("\t".join(texts) for texts in (cells, row)).encode()
    columns = [LookedAtColumn(position=at, text=text) for at, text in enumerate(cells)]
    wanted = [spec.name for spec in VISIT_COLUMNS]
    said = [named(column, name, cells, VISIT_COLUMNS) for column, name in zip(columns, wanted, strict=True)]
    names = parse_column_names(said, VISIT_COLUMNS)
    with open_table(io.BytesIO(content), VISIT_COLUMNS, column_names=names) as table:
        (found,) = table
    assert isinstance(found, Row)
    assert found.cells == tuple(row)
